import { spawn } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SmolvlmError } from '../../errors';
import { describeBundleFile } from '../../model/bundle/bundle-file';
import type { BundleDecoder } from '../../model/bundle/bundle-manifest';
import type { NpuTarget } from '../../protocol/models/conversion-choices';
import { defined } from '../../system/defined';
import { packageFile } from '../../system/files/package-file';
import type { BundlePart } from '../bundle/bundle-folder';
import { rkllmMaxContext, targetNpuCores } from '../bundle/npu-target';
import { pythonEnvironment } from '../toolkit/python-environment';

const fileName = 'decoder.rkllm';

export interface RkllmExport {
  /** An interpreter whose environment may have rkllm-toolkit. */
  readonly python: string;
  readonly target: NpuTarget;
  /** Receives everything the toolkit prints. */
  readonly logFile: string;
  readonly signal?: AbortSignal;
}

type ExportEvent =
  | { readonly event: 'toolkit'; readonly version: string }
  | { readonly event: 'phase'; readonly phase: string }
  | { readonly event: 'done' }
  | { readonly event: 'missing' | 'failed'; readonly message: string };

/** Shown for a bundle without an NPU decoder. */
export const rkllmHint =
  'Its decoder runs on the CPU. For an NPU decoder install rkllm-toolkit (a wheel in the vendor’s rknn-llm repository, not on any package index) and name its interpreter: --rkllm-python.';

/**
 * Exports a checkpoint's language model for the NPU, quantised to w8a8 with questions and answers about
 * captions.
 * @param checkpointDir the checkpoint as downloaded from the hub
 * @returns undefined if the environment does not have rkllm-toolkit
 * @throws SmolvlmError `rkllm-failed`; the signal's reason when aborted
 */
export async function exportRkllm(
  checkpointDir: string,
  dir: string,
  { python, target, logFile, signal }: RkllmExport,
): Promise<BundlePart<BundleDecoder> | undefined> {
  const output = join(dir, fileName);
  const job = {
    model: checkpointDir,
    output,
    target,
    cores: targetNpuCores[target],
    dataset: packageFile('python', 'calibration_prompts.json'),
    max_context: rkllmMaxContext,
  };
  const last = await runExport(python, job, logFile, signal);
  if (last.event === 'missing') return undefined;
  if (last.event !== 'done') {
    await rm(output, { force: true });
    throw new SmolvlmError(
      'rkllm-failed',
      `rkllm-toolkit did not export ${checkpointDir}: ${'message' in last ? last.message : `its last event was "${last.event}"`}`,
      {
        hint: `The toolkit's own message is in ${logFile}. Without --rkllm-python the decoder stays on the CPU.`,
      },
    );
  }
  const file = await describeBundleFile(dir, fileName);
  return { files: [file], entry: { format: 'rkllm', precision: 'int8', files: [file] } };
}

/** @returns the exporter's last event, or how it ended */
async function runExport(
  python: string,
  job: object,
  logFile: string,
  signal: AbortSignal | undefined,
): Promise<ExportEvent> {
  signal?.throwIfAborted();
  const log = await open(logFile, 'a');
  try {
    const child = spawn(python, [packageFile('python', 'rkllm_export.py'), JSON.stringify(job)], {
      stdio: ['ignore', log.fd, log.fd, 'ignore', 'pipe'],
      env: pythonEnvironment({ PYTHONDONTWRITEBYTECODE: '1' }),
      killSignal: 'SIGKILL',
      ...defined({ signal }),
    });
    let last: ExportEvent | undefined;
    const events = child.stdio[4];
    if (events && 'read' in events) {
      createInterface({ input: events }).on('line', (line) => {
        last = parsedEvent(line);
      });
    }
    let fault: string | undefined;
    child.once('error', (error) => {
      fault = error.message;
    });
    const status = await new Promise<number | string>((resolve) => {
      child.once('close', (code, killed) => resolve(killed ?? code ?? 'unknown'));
    });
    signal?.throwIfAborted();
    const complete = status === 0 && last !== undefined;
    return complete && last ? last : { event: 'failed', message: fault ?? `${python} ended with ${status}` };
  } finally {
    await log.close();
  }
}

function parsedEvent(line: string): ExportEvent {
  try {
    return JSON.parse(line) as ExportEvent;
  } catch {
    return { event: 'failed', message: `it wrote a line that is not an event: ${line.slice(0, 80)}` };
  }
}
