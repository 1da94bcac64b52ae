import type { RknnStage } from './rknn-stage';
import type { TensorMemory } from './tensor-memory';

/**
 * One scratch memory per core, sized for its largest stage: the stages of a core run one at a time. Stages without
 * a core may run at the same time, so each has its own.
 */
export async function shareScratch(stages: readonly RknnStage[]): Promise<void> {
  const perCore = new Map<number | RknnStage, RknnStage[]>();
  for (const stage of stages) {
    const key = stage.stage.core ?? stage;
    perCore.set(key, [...(perCore.get(key) ?? []), stage]);
  }
  for (const neighbours of perCore.values()) {
    let largest = 0;
    for (const { context } of neighbours) largest = Math.max(largest, (await context.memory()).internal);
    if (largest === 0) continue;
    let first: TensorMemory | undefined;
    for (const { context } of neighbours) {
      const memory: TensorMemory = first
        ? await context.shareMemory(first)
        : await context.createMemory(largest);
      first ??= memory;
      await context.useScratch(memory);
    }
  }
}
