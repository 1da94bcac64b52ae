import { availableParallelism } from 'node:os';
import type { InferenceSession } from 'onnxruntime-node';

/**
 * The kernels that a session may use. `no-kleidiai` leaves out those of Arm's KleidiAI; `unfused` also computes each operator
 * of a quantised product by itself, which is slower.
 */
export type CpuKernels = 'all' | 'no-kleidiai' | 'unfused';

/** A decoder is one session whose steps follow each other; a stage is one of many sessions that take turns. */
export type SessionRole = 'decoder' | 'stage';

export interface SessionSettings {
  /** Threads one operator may use; default: the CPUs available to this process. */
  readonly threads?: number;
  /** Default: all. */
  readonly kernels?: CpuKernels;
}

/**
 * Options of every session this package opens on a CPU.
 * - Spinning threads, for the decoder only: it is one session whose steps follow each other within
 *   milliseconds, and waking sleeping threads costs it a third (int8 139 → 193 tokens/s, 2 threads). The
 *   vision stages are many sessions, each with its own thread pool: 24 pools that spin between stages take
 *   2.6 times the time of one graph (int8 tower, 2 threads, onnxruntime-node 1.30); without, the same time.
 * - force_spinning_stop: threads that spin do so within a run only. Otherwise each spins for 35 ms after a step, on a core
 *   that the answer and the next picture need.
 * - No arena for each session: it never frees each session's largest activations, 2.9 GB instead of 0.7 GB for two whole
 *   towers and two cut into stages, and saves no time.
 * - x64quantprecision: a CPU whose 16-bit sums of int8 products could saturate (AVX2 without VNNI) stores the weights as
 *   uint8, which cannot. Other CPUs are not affected.
 */
export function sessionOptions(
  settings: SessionSettings = {},
  role: SessionRole = 'stage',
): InferenceSession.SessionOptions {
  const { kernels = 'all' } = settings;
  return {
    executionProviders: ['cpu'],
    executionMode: 'sequential',
    graphOptimizationLevel: kernels === 'unfused' ? 'basic' : 'all',
    intraOpNumThreads: sessionThreads(settings),
    interOpNumThreads: 1,
    enableCpuMemArena: false,
    enableMemPattern: false,
    // Nested by the dots of onnxruntime's own keys: session.intra_op.allow_spinning.
    extra: {
      session: {
        intra_op: { allow_spinning: role === 'decoder' ? '1' : '0' },
        force_spinning_stop: '1',
        x64quantprecision: '1',
      },
      mlas: { disable_kleidiai: kernels === 'all' ? '0' : '1' },
    },
  };
}

export function sessionThreads({ threads }: SessionSettings): number {
  return threads ?? availableParallelism();
}
