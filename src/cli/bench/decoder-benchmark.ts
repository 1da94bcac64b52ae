import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DecoderContext } from '../../backends/decoder-runner';
import { OnnxDecoderRunner } from '../../backends/onnxruntime/onnx-decoder-runner';
import { writeOnnxDecoder } from '../../convert/bundle/onnx-decoder';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import type { cpuPrecisions } from '../../protocol/models/conversion-choices';
import { makeFolder } from '../../system/files/make-folder';
import { interleaved, type Measured, meanMs } from './interleaved';

/** Context length, in tokens, that the speed refers to. */
const shortContext = 100;
const longContext = 900;

/** Steps per pass; a single decode step is too short to time. */
const stepsPerPass = 8;

export interface DecoderBenchmarkOptions {
  readonly threads: number;
  readonly passes: number;
  readonly signal: AbortSignal;
}

/** Milliseconds of a decode step, the fastest pass of each. */
export interface DecoderBenchmark {
  readonly stepMs: Readonly<Record<(typeof cpuPrecisions)[number], number>>;
  readonly longStepMs: Readonly<Record<(typeof cpuPrecisions)[number], number>>;
  /** int8. */
  readonly smallLimitStepMs: number;
  readonly largeLimitStepMs: number;
  /** 100 rows, int8. */
  readonly prefillMs: number;
}

/** Times the decoder in each precision, on random rows. */
export async function benchmarkDecoder(
  checkpoint: Checkpoint,
  options: DecoderBenchmarkOptions,
): Promise<DecoderBenchmark> {
  const dir = await mkdtemp(join(tmpdir(), 'smolvlm-bench-'));
  const runners: OnnxDecoderRunner[] = [];
  try {
    const open = async (precision: (typeof cpuPrecisions)[number], contextLimit: number) => {
      const folder = join(dir, precision);
      await makeFolder(folder);
      const { entry } = await writeOnnxDecoder(folder, checkpoint, precision, { signal: options.signal });
      const settings = { threads: options.threads, contextLimit };
      const runner = await OnnxDecoderRunner.open(folder, entry, checkpoint.config.text, settings);
      runners.push(runner);
      return runner;
    };
    return await measure(
      {
        float32: await open('float32', 8192),
        int8: await open('int8', 8192),
        int4: await open('int4', 8192),
        small: await open('int8', 1024),
      },
      options,
    );
  } finally {
    for (const runner of runners) await runner.close();
    await rm(dir, { recursive: true, force: true });
  }
}

type Runners = Readonly<Record<'float32' | 'int8' | 'int4' | 'small', OnnxDecoderRunner>>;

async function measure(
  runners: Runners,
  { passes, signal }: DecoderBenchmarkOptions,
): Promise<DecoderBenchmark> {
  const { width, contextLimit } = runners.int8;
  const long = Math.min(longContext, contextLimit - 2 * stepsPerPass);
  const row = randomRows(1, width);
  const filled = async (runner: OnnxDecoderRunner, tokens: number): Promise<DecoderContext> => {
    const context = runner.createContext();
    await context.append(randomRows(tokens, width), 'none');
    return context;
  };
  const steps = async (runner: OnnxDecoderRunner, tokens: number): Promise<Measured> => {
    const context = await filled(runner, tokens);
    return async () => {
      const ms = await meanMs(stepsPerPass, () => context.append(row));
      context.truncate(tokens);
      return ms;
    };
  };
  const prompt = randomRows(shortContext, width);
  const times = await interleaved(
    {
      float32: await steps(runners.float32, shortContext),
      int8: await steps(runners.int8, shortContext),
      int4: await steps(runners.int4, shortContext),
      float32Long: await steps(runners.float32, long),
      int8Long: await steps(runners.int8, long),
      int4Long: await steps(runners.int4, long),
      smallLimit: await steps(runners.small, shortContext),
      largeLimit: await steps(runners.int8, shortContext),
      prefill: () => meanMs(1, () => runners.int8.createContext().append(prompt)),
    },
    passes,
    signal,
  );
  return {
    stepMs: { float32: times.float32, int8: times.int8, int4: times.int4 },
    longStepMs: { float32: times.float32Long, int8: times.int8Long, int4: times.int4Long },
    smallLimitStepMs: times.smallLimit,
    largeLimitStepMs: times.largeLimit,
    prefillMs: times.prefill,
  };
}

function randomRows(tokens: number, width: number): Float32Array {
  return Float32Array.from({ length: tokens * width }, () => Math.random() - 0.5);
}
