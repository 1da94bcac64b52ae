import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openCaptioner } from '../../inference/captioner';
import type { CaptionerOptions } from '../../inference/inference';
import { captionOnce } from './caption-benchmark';

export type MeasuredPrecision = 'float32' | 'int8' | 'int4';

/** Memory of a process that prepares a model, and of one that then captions a 640 × 480 frame in full detail. */
export interface MemoryBenchmark {
  readonly prepareOverIdleBytes: number;
  readonly captionPeakBytes: number;
  /** Weights in this precision. */
  readonly weightBytes: number;
}

interface ProcessMemory {
  readonly idleBytes: number;
  readonly peakBytes: number;
  readonly weightBytes: number;
}

/** Runs each part in its own process, since a process keeps its peak. */
export async function benchmarkMemory(
  model: string,
  precision: MeasuredPrecision,
  threads: number,
): Promise<MemoryBenchmark> {
  const cache = await mkdtemp(join(tmpdir(), 'smolvlm-bench-'));
  try {
    const args = ['bench', '--model', model, '--threads', String(threads), '--memory', precision, '--json'];
    const child = async (part: string): Promise<ProcessMemory> => {
      const main = join(__dirname, '..', 'main.js');
      const { stdout } = await promisify(execFile)(process.execPath, [main, ...args, '--part', part], {
        env: { ...process.env, SMOLVLM_CACHE: cache },
      });
      return JSON.parse(stdout);
    };
    const prepare = await child('prepare');
    const caption = await child('caption');
    return {
      prepareOverIdleBytes: prepare.peakBytes - prepare.idleBytes,
      captionPeakBytes: caption.peakBytes,
      weightBytes: caption.weightBytes,
    };
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

/** The child's work: opens the model (prepared the first time) and, for `caption`, captions a frame. */
export async function measureMemory(
  model: string,
  precision: MeasuredPrecision,
  part: 'prepare' | 'caption',
  options: Pick<CaptionerOptions, 'threads' | 'signal' | 'settings'> & { readonly signal: AbortSignal },
): Promise<ProcessMemory> {
  const idleBytes = process.memoryUsage.rss();
  let preparedPeak = 0;
  const captioner = await openCaptioner({
    model,
    precision,
    ...options,
    onProgress: () => {
      preparedPeak = peakResidentBytes();
    },
  });
  const weightBytes = captioner.memoryBytes;
  if (part === 'caption') await captionOnce(captioner, options.signal);
  await captioner.close();
  const peakBytes = part === 'prepare' ? preparedPeak : peakResidentBytes();
  return { idleBytes, peakBytes, weightBytes };
}

/** Not `resourceUsage().maxRSS`: on Linux that starts at the size of the parent process. */
function peakResidentBytes(): number {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}
