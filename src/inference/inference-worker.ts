import { parentPort, workerData } from 'node:worker_threads';
import { errorBody } from '../errors';
import { PicturePool } from '../image/pool/picture-pool';
import type { TokenLogprob } from '../protocol/answer-options';
import type { LoadedModel } from '../protocol/engine-status';
import type { Progress } from '../protocol/events';
import { unlessAborted } from '../system/async/unless-aborted';
import { defined } from '../system/defined';
import { CaptionerCache } from './captioner-cache';
import type { Caption, FeaturesAnswer, IdentifyModel, OpenCaptioner } from './inference';
import { type FromInference, type InferenceSetup, slotOf, type ToInference } from './inference-messages';
import { type GateTicket, PriorityGate } from './priority-gate';
import { ProgressPace } from './progress-pace';

// The inference thread's program. Native calls block this thread, and never the one that answers HTTP.

const setup: InferenceSetup = workerData;
const post = (message: FromInference): void => parentPort?.postMessage(message);
const gate = new PriorityGate();
const pictures = new PicturePool(defined({ threads: setup.settings?.imageThreads }));

interface Running {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
  /** It has its place among the frames in flight again. */
  onPlace: () => void;
}
const running = new Map<number, Running>();
let cache: Promise<CaptionerCache> | undefined;
/** The last that the request side was told of, as JSON. */
let toldModels = '[]';

/** Each message wakes the request side's thread: it is told of changes only. */
function tellModels(models: readonly LoadedModel[]): void {
  const text = JSON.stringify(models);
  if (text === toldModels) return;
  toldModels = text;
  post({ type: 'models', models });
}

async function openCache(): Promise<CaptionerCache> {
  const module: { readonly openCaptioner: OpenCaptioner; readonly identifyModel?: IdentifyModel } =
    await import(setup.captionerModule);
  const captioners: CaptionerCache = new CaptionerCache({
    ...setup,
    pictures,
    open: module.openCaptioner,
    ...defined({ identify: module.identifyModel }),
    onChange: () => tellModels(captioners.models()),
  });
  return captioners;
}

async function work(
  { type, job, request, pictures }: ToInference & { type: 'describe' | 'encode' },
  abort: AbortController,
  ticket: GateTicket,
): Promise<void> {
  const checkCancel = (): void => {
    if (Atomics.load(setup.cancelledJobs, slotOf(job)) === job) abort.abort();
  };
  const pace = new ProgressPace();
  const hooks = {
    signal: abort.signal,
    ticket,
    aside: <T>(wait: () => Promise<T>): Promise<T> =>
      ticket.aside(async () => {
        post({ type: 'aside', job });
        try {
          return await wait();
        } finally {
          post({ type: 'ready', job });
          await placed(job, abort.signal);
        }
      }),
    onProgress: (progress: Progress): void => {
      checkCancel();
      if (pace.tells(progress)) post({ type: 'progress', job, progress });
    },
    onToken: (text: string, logprobs?: readonly TokenLogprob[]): void => {
      checkCancel();
      post({ type: 'token', job, text, ...defined({ logprobs }) });
    },
  };
  const open = {
    signal: hooks.signal,
    ticket,
    onProgress: hooks.onProgress,
    onDeviceLost: (error: ReturnType<typeof errorBody>): void => post({ type: 'device-lost', error }),
  };
  try {
    cache ??= openCache().catch((error: unknown) => {
      cache = undefined;
      throw error;
    });
    const captioners = await cache;
    const answer = await captioners.use<Caption | FeaturesAnswer>(request, open, (captioner) =>
      captioner[type](pictures, request, hooks),
    );
    post({ type: 'done', job, answer });
  } catch (error) {
    post({ type: 'failed', job, error: errorBody(error) });
  }
  ticket.leave();
  running.delete(job);
  // After the answer.
  const captioners = await cache?.catch(() => undefined);
  if (captioners) tellModels(captioners.models());
}

/** @throws the signal's reason when it aborts first */
function placed(job: number, signal: AbortSignal): Promise<void> {
  const place = new Promise<void>((resolve) => {
    const entry = running.get(job);
    if (entry) entry.onPlace = resolve;
  });
  return unlessAborted(place, signal);
}

async function close(): Promise<void> {
  for (const { abort } of running.values()) abort.abort();
  for (const { ended } of running.values()) await ended;
  await (await cache)?.close();
  await pictures.close();
}

parentPort?.on('message', (message: ToInference) => {
  switch (message.type) {
    case 'describe':
    case 'encode': {
      const abort = new AbortController();
      // Others give way from now on, before this one's picture is decoded.
      const ticket = gate.enter(message.request.priority ?? 0);
      // The job is known before its work begins.
      const ended = Promise.resolve().then(() => work(message, abort, ticket));
      running.set(message.job, { abort, ended, onPlace: () => {} });
      break;
    }
    case 'cancel':
      running.get(message.job)?.abort.abort();
      break;
    case 'place':
      running.get(message.job)?.onPlace();
      break;
    case 'close':
      void close()
        .catch((error: unknown) => process.emitWarning(errorBody(error).message))
        .finally(() => parentPort?.close());
      break;
  }
});
