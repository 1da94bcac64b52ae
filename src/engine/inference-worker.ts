import { parentPort, workerData } from 'node:worker_threads';
import { errorBody } from '../errors';
import { CaptionerCache } from './captioner-cache';
import type { InferenceProgress, OpenCaptioner } from './inference';
import type { FromInference, InferenceSetup, ToInference } from './inference-messages';

// The inference thread: native calls block here, so that the HTTP thread always answers.

const setup: InferenceSetup = workerData;
const post = (message: FromInference): void => parentPort?.postMessage(message);
let running: { readonly job: number; readonly abort: AbortController } | undefined;
/** Ends with the job under way; jobs and closing never overlap. */
let tail = Promise.resolve();
let cache: Promise<CaptionerCache> | undefined;

async function openCache(): Promise<CaptionerCache> {
  const module: { readonly openCaptioner: OpenCaptioner } = await import(setup.captionerModule);
  return new CaptionerCache({ ...setup, open: module.openCaptioner });
}

async function describe({ job, request, pictures }: ToInference & { type: 'describe' }): Promise<void> {
  const abort = new AbortController();
  running = { job, abort };
  const checkCancel = (): void => {
    if (Atomics.load(setup.cancelledJob, 0) === job) abort.abort();
  };
  const hooks = {
    signal: abort.signal,
    onProgress: (progress: InferenceProgress): void => {
      checkCancel();
      post({ type: 'progress', job, progress });
    },
    onToken: (text: string): void => {
      checkCancel();
      post({ type: 'token', job, text });
    },
  };
  try {
    cache ??= openCache();
    const captioners = await cache;
    const captioner = await captioners.get(request, hooks);
    post({ type: 'models', models: captioners.models() });
    const caption = await captioner.describe(pictures, request, hooks);
    post({ type: 'models', models: captioners.models() });
    post({ type: 'done', job, caption });
  } catch (error) {
    post({ type: 'failed', job, error: errorBody(error) });
  }
  running = undefined;
}

parentPort?.on('message', (message: ToInference) => {
  switch (message.type) {
    case 'describe':
      tail = tail.then(() => describe(message));
      break;
    case 'cancel':
      if (running?.job === message.job) running.abort.abort();
      break;
    case 'close':
      running?.abort.abort();
      void tail
        .then(() => cache)
        .then((captioners) => captioners?.close())
        .finally(() => parentPort?.close());
      break;
  }
});
