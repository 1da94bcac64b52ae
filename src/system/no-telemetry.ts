import { isMainThread } from 'node:worker_threads';

/**
 * onnxruntime's name for it. Without it, releases since 1.30 write a device id and a database of events below
 * `~/.cache/Microsoft` when they are loaded, and ten seconds later look up the address of Microsoft's collector.
 */
const switchName = 'ORT_DISABLE_TELEMETRY';

/**
 * Switches the telemetry of onnxruntime off for this process; to be called before the library is loaded. Only the main
 * thread can do it: the `process.env` of a worker thread is a copy that native code does not read.
 * @throws Error in a worker thread that was started before the main thread called this
 */
export function disableTelemetry(): void {
  if (isMainThread) process.env[switchName] = '1';
  else if (process.env[switchName] !== '1')
    throw new Error(`disableTelemetry() must be called in the main thread before a worker thread is started`);
}

/**
 * Environment of a Python that converts. rknn-toolkit2 loads onnxruntime, and rkllm-toolkit loads transformers and
 * huggingface_hub, which would look for a newer state of a checkpoint that is already a local folder.
 */
export const pythonWithoutTelemetry: NodeJS.ProcessEnv = {
  [switchName]: '1',
  DO_NOT_TRACK: '1',
  HF_HUB_DISABLE_TELEMETRY: '1',
  HF_HUB_OFFLINE: '1',
  TRANSFORMERS_OFFLINE: '1',
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
  PIP_NO_INPUT: '1',
};
