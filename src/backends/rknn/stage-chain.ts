import { SmolvlmError } from '../../errors';
import { cosine } from '../../system/cosine';
import type { PipelineStage, SharedOutput } from '../stage-runner';
import { fromHalf, toHalf } from './half-precision';
import { tensorType } from './rknn-abi';
import type { RknnStage } from './rknn-stage';
import type { TensorMemory } from './tensor-memory';

/** Minimum cosine between the chain's output and the safe path's; both use the same fp16 arithmetic. */
const leastCosine = 0.9999;

/**
 * Stages that share the NPU's own fp16 memory: each stage's output is the next stage's
 * input. Verified by one pass of the same values on both paths.
 * @returns undefined, after `onRefused` with the reason, if the chain cannot be made or differs; the contexts may be
 *   bound by then and must be opened again
 */
export async function chainStages(
  stages: readonly RknnStage[],
  onRefused: (why: string) => void,
): Promise<readonly PipelineStage[] | undefined> {
  try {
    const probe = probeValues(stages);
    let expected = probe;
    for (const stage of stages) expected = await stage.run(expected);
    const chained = await bindChain(stages);
    const given = await runOnce(chained, probe);
    const agreement = cosine(given, expected);
    if (agreement >= leastCosine) return chained;
    onRefused(`its output differs from the safe path's: cosine ${agreement.toFixed(6)}`);
  } catch (error) {
    onRefused(error instanceof Error ? error.message : String(error));
  }
  return undefined;
}

async function bindChain(stages: readonly RknnStage[]): Promise<readonly PipelineStage[]> {
  const chained: PipelineStage[] = [];
  let before: TensorMemory | undefined;
  for (const [index, stage] of stages.entries()) {
    const { context } = stage;
    const [input, output] = [await context.nativeAttr('input'), await context.nativeAttr('output')];
    checkNative(stage, [input.attr.type, output.attr.type]);
    const from: TensorMemory = before
      ? await context.shareMemory(sameSize(stage, before, input.attr.bytesWithStride))
      : await context.createMemory(input.attr.bytesWithStride);
    const to = await context.createMemory(output.attr.bytesWithStride);
    await context.bind(from, input.raw);
    await context.bind(to, output.raw);
    const last = index === stages.length - 1;
    const elements = output.attr.elements;
    chained.push(chainedStage(stage, before ? undefined : from, to, elements, last));
    before = to;
  }
  return chained;
}

/** @param entry the first stage's input, written by the host */
function chainedStage(
  stage: RknnStage,
  entry: TensorMemory | undefined,
  to: TensorMemory,
  elements: number,
  last: boolean,
): PipelineStage {
  const read = (): Float32Array => fromHalf(new Uint16Array(to.memory, 0, elements));
  return {
    stage: stage.stage,
    get deviceMs() {
      return stage.deviceMs;
    },
    run: async (input, onSlow) => {
      if (entry && input) {
        stage.checkInput(input);
        toHalf(input, new Uint16Array(entry.memory));
      }
      await stage.runBound(onSlow);
      if (!last) return undefined;
      const values = read();
      // NaN propagates to the end: the last stage detects it.
      stage.checkOutput(values);
      return values;
    },
    output: last ? undefined : new ChainMemory(read),
  };
}

/** The memory between two stages, one tile's at a time, first come first served. */
class ChainMemory implements SharedOutput {
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  constructor(readonly read: () => Float32Array) {}

  async take(): Promise<void> {
    if (this.#taken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#taken = true;
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken = false;
  }
}

async function runOnce(stages: readonly PipelineStage[], values: Float32Array): Promise<Float32Array> {
  let stream: Float32Array | undefined = values;
  for (const stage of stages) stream = await stage.run(stream);
  return stream ?? values;
}

function checkNative({ stage }: RknnStage, types: readonly number[]): void {
  if (types.every((type) => type === tensorType.float16)) return;
  throw new SmolvlmError('stage-contract', `stage ${stage.name}: its native tensors are not fp16`);
}

function sameSize({ stage }: RknnStage, memory: TensorMemory, bytes: number): TensorMemory {
  if (memory.bytes === bytes) return memory;
  throw new SmolvlmError(
    'stage-contract',
    `stage ${stage.name} reads ${bytes} bytes, the one before writes ${memory.bytes}`,
  );
}

/** Values like those of a residual stream: mostly small, a few large. */
function probeValues([first]: readonly RknnStage[]): Float32Array {
  const elements = first?.context.input.elements ?? 0;
  return Float32Array.from({ length: elements }, (_, index) => {
    const wave = Math.sin(index * 12.9898) + Math.sin(index * 0.0137);
    return index % 97 === 0 ? wave * 8 : wave * 0.2;
  });
}
