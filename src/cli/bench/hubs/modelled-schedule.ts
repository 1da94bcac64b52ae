/** How long a modelled hub takes for its captions. */
export type ModelledSchedule =
  /** One frame at a time, each for the same time. */
  | { readonly kind: 'fixed'; readonly captionMs: number }
  /** As the NPU's backend works: vision stages on several cores, and the text of another frame meanwhile. */
  | {
      readonly kind: 'npu';
      readonly cores: number;
      /** Parts of a picture. */
      readonly tiles: number;
      /** A stage of one tile. */
      readonly stageMs: number;
      /** Prefill and decode of an answer. */
      readonly textMs: number;
    };

/** An RK3588: three cores, detail `full`, and the emulator's usual time for a stage. */
export const npuSchedule: ModelledSchedule = { kind: 'npu', cores: 3, tiles: 13, stageMs: 10, textMs: 300 };

/** Names the model whose captions take so long. */
export function modelledName(schedule: ModelledSchedule): string {
  if (schedule.kind === 'fixed') return `modelled-${schedule.captionMs}-ms`;
  const { cores, tiles, stageMs, textMs } = schedule;
  return `modelled-npu-${[cores, tiles, stageMs, textMs].join('-')}-ms`;
}

/** The schedule that a name stands for. */
export function modelledSchedule(name: string): ModelledSchedule {
  const [first = 0, tiles = 0, stageMs = 0, textMs = 0] = (name.match(/\d+/g) ?? []).map(Number);
  return name.startsWith('modelled-npu')
    ? { kind: 'npu', cores: first, tiles, stageMs, textMs }
    : { kind: 'fixed', captionMs: first };
}
