import { parentPort, workerData } from 'node:worker_threads';
import { errorBody } from '../errors';
import { CaptionerCache } from './captioner-cache';
import type { Caption, FeaturesAnswer, InferenceProgress, OpenCaptioner } from './inference';
import { type FromInference, type InferenceSetup, slotOf, type ToInference } from './inference-messages';

// The inference thread: native calls block here, so that the HTTP thread always answers.

const setup: InferenceSetup = workerData;
const post = (message: FromInference): void => parentPort?.postMessage(message);
const running = new Map<number, { readonly abort: AbortController; readonly ended: Promise<void> }>();
let cache: Promise<CaptionerCache> | undefined;

async function openCache(): Promise<CaptionerCache> {
  const module: { readonly openCaptioner: OpenCaptioner } = await import(setup.captionerModule);
  return new CaptionerCache({ ...setup, open: module.openCaptioner });
}

async function work(
  { type, job, request, pictures }: ToInference & { type: 'describe' | 'encode' },
  abort: AbortController,
): Promise<void> {
  const checkCancel = (): void => {
    if (Atomics.load(setup.cancelledJobs, slotOf(job)) === job) abort.abort();
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
  const open = {
    signal: hooks.signal,
    onProgress: hooks.onProgress,
    onDeviceLost: (error: ReturnType<typeof errorBody>): void => post({ type: 'device-lost', error }),
  };
  try {
    cache ??= openCache();
    const captioners = await cache;
    const answer = await captioners.use<Caption | FeaturesAnswer>(request, open, (captioner) => {
      post({ type: 'models', models: captioners.models() });
      return captioner[type](pictures, request, hooks);
    });
    post({ type: 'models', models: captioners.models() });
    post({ type: 'done', job, answer });
  } catch (error) {
    post({ type: 'failed', job, error: errorBody(error) });
  }
  running.delete(job);
}

async function close(): Promise<void> {
  for (const { abort } of running.values()) abort.abort();
  for (const { ended } of running.values()) await ended;
  await (await cache)?.close();
}

parentPort?.on('message', (message: ToInference) => {
  switch (message.type) {
    case 'describe':
    case 'encode': {
      const abort = new AbortController();
      // The job is known before its work begins.
      const ended = Promise.resolve().then(() => work(message, abort));
      running.set(message.job, { abort, ended });
      break;
    }
    case 'cancel':
      running.get(message.job)?.abort.abort();
      break;
    case 'close':
      void close().finally(() => parentPort?.close());
      break;
  }
});
