import { SmolvlmError } from '../errors';
import type { CameraAccess } from '../picture/camera/camera-access';
import { excerptOf, loginRefused, refusalIn } from '../picture/camera/camera-refusal';
import { requestCamera } from '../picture/camera/camera-request';
import { JpegSplitter } from '../picture/jpeg-splitter';
import { type Clock, systemClock } from '../system/clock';
import { shownAddress } from '../system/shown-address';
import type { FrameSource, SourceHooks } from './frame-source';
import { keepTrying } from './keep-trying';
import { NewestFrame } from './newest-frame';

export interface StreamOptions extends CameraAccess {
  readonly url: URL;
  /** Between two frames passed on. */
  readonly intervalMs: number;
  /** A stream without a picture for so long is broken. */
  readonly timeoutMs: number;
  readonly pauseMs?: number;
  readonly clock?: Clock;
}

/** Kept from the beginning of a stream, to tell what it is if no picture comes. */
const sampleBytes = 4096;

/** A camera's MJPEG stream over HTTP (`multipart/x-mixed-replace`). If it breaks it is opened again. */
export class MjpegSource implements FrameSource {
  readonly #options: StreamOptions;
  readonly #hooks: SourceHooks;
  readonly #clock: Clock;
  readonly #newest: NewestFrame;
  readonly #closing = new AbortController();
  /** The camera refused the login, and is left alone for minutes. */
  #refused: SmolvlmError | undefined;

  constructor(options: StreamOptions, hooks: SourceHooks) {
    const { intervalMs, clock = systemClock } = options;
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = clock;
    this.#newest = new NewestFrame(intervalMs, hooks.onFrame);
    const read = (onWorked: () => void): Promise<void> => this.#read(onWorked);
    const onTrouble: SourceHooks['onTrouble'] = (error, isKnown) => {
      this.#refused = error.code === 'image-login' ? error : undefined;
      hooks.onTrouble(error, isKnown);
    };
    void keepTrying(read, onTrouble, { ...options, signal: this.#closing.signal });
  }

  take(): void {
    if (this.#refused) this.#hooks.onTrouble(this.#refused, true);
    else this.#newest.take();
  }

  close(): void {
    this.#closing.abort();
  }

  async #read(onWorked: () => void): Promise<void> {
    const { url, timeoutMs } = this.#options;
    const silent = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, silent.signal]);
    const watch = (): (() => void) => this.#clock.after(timeoutMs, () => silent.abort());
    let stopWatch = watch();
    const progress = { pictures: 0, sizeBytes: 0, sample: Buffer.alloc(0) };
    const splitter = new JpegSplitter((bytes) => {
      if (signal.aborted) return;
      // Pictures, not bytes: a video of another kind sends bytes without end.
      stopWatch();
      stopWatch = watch();
      this.#refused = undefined;
      if (++progress.pictures === 1) this.#hooks.onConnected();
      // A snapshot address gives one picture each time, and is not a stream that works.
      if (progress.pictures === 2) onWorked();
      this.#newest.push(bytes);
    });
    let close: (() => void) | undefined;
    try {
      const headers = { accept: 'multipart/x-mixed-replace, image/jpeg' };
      const { response } = await requestCamera(url, headers, signal, this.#options);
      close = response.close;
      for await (const chunk of response.body) {
        if (progress.sizeBytes < sampleBytes) progress.sample = Buffer.concat([progress.sample, chunk]);
        progress.sizeBytes += chunk.length;
        splitter.push(chunk);
      }
      throw endedError(url, progress);
    } catch (cause) {
      if (cause instanceof SmolvlmError) throw cause;
      if (silent.signal.aborted) throw silentError(url, timeoutMs, progress);
      throw streamError(url, cause instanceof Error ? cause.message || cause.name : String(cause), {}, cause);
    } finally {
      stopWatch();
      close?.();
      this.#newest.forget();
    }
  }
}

interface StreamProgress {
  readonly pictures: number;
  readonly sizeBytes: number;
  readonly sample: Uint8Array;
}

function silentError(
  url: URL,
  timeoutMs: number,
  { pictures, sizeBytes, sample }: StreamProgress,
): SmolvlmError {
  if (sizeBytes === 0) return streamError(url, `nothing was received for ${timeoutMs} ms`);
  if (pictures > 0) return streamError(url, `no picture was received for ${timeoutMs} ms`);
  const received = `${sizeBytes} bytes were received within ${timeoutMs} ms, but no picture`;
  const type = partType(sample) ?? (excerptOf(sample) === undefined ? undefined : 'text');
  if (type !== undefined && isJpeg(type)) return streamError(url, `${received} is complete`);
  if (type !== undefined) {
    return streamError(url, `${received}: expected image/jpeg, received ${type}`, {
      hint: 'Choose JPEG for this stream in the camera, or enter another address; the node continues to try.',
    });
  }
  return streamError(url, received, {
    hint: 'The address may be that of another kind of stream: for H.264 or H.265 choose RTSP.',
  });
}

/** The media type that the first part of a multipart stream names. */
function partType(sample: Uint8Array): string | undefined {
  const head = Buffer.from(sample).toString('latin1', 0, 1024);
  return /^\s*--[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*?content-type:[ \t]*([\w/.+-]{1,60})/i.exec(head)?.[1];
}

function isJpeg(type: string): boolean {
  return /^image\/p?jpe?g$/i.test(type);
}

function endedError(url: URL, { pictures, sample }: StreamProgress): SmolvlmError {
  if (pictures === 1) {
    return streamError(url, 'it sends one picture and ends', {
      hint: 'This is a snapshot address: choose "a snapshot address" in the frame node.',
    });
  }
  if (pictures > 1) return streamError(url, 'it ended');
  const refusal = refusalIn(sample);
  if (refusal !== undefined) return loginRefused(url, refusal);
  const excerpt = excerptOf(sample);
  return streamError(url, `it ended without a picture${excerpt === undefined ? '' : `: ${excerpt}`}`);
}

function streamError(url: URL, reason: string, { hint = '' } = {}, cause?: unknown): SmolvlmError {
  return new SmolvlmError('frame-stream', `the stream at ${shownAddress(url)} failed: ${reason}`, {
    hint: hint || 'Open the address in a browser on this machine; the node continues to try.',
    cause,
  });
}
