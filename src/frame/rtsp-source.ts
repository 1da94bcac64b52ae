import type { SmolvlmError } from '../errors';
import { type Clock, systemClock } from '../system/clock';
import { type FfmpegVersion, ffmpegVersion } from './ffmpeg/ffmpeg-arguments';
import { runFfmpeg } from './ffmpeg/ffmpeg-process';
import type { FrameSource, SourceHooks } from './frame-source';
import { keepTrying, pauseFor } from './keep-trying';
import type { StreamOptions } from './mjpeg-source';
import { NewestFrame } from './newest-frame';

export interface RtspOptions extends StreamOptions {
  /** The program; default: `ffmpeg` of the PATH. */
  readonly ffmpeg?: string;
}

/** From here on a connection for each picture costs less than decoding all pictures in between. */
const singleFromMs = 5_000;

/**
 * A camera's RTSP stream, decoded by ffmpeg. For short intervals one ffmpeg decodes the stream all the time; for long ones
 * and on request, one connects, decodes a keyframe and ends. What fails is tried again.
 */
export class RtspSource implements FrameSource {
  readonly #options: RtspOptions;
  readonly #hooks: SourceHooks;
  readonly #clock: Clock;
  readonly #newest: NewestFrame;
  readonly #closing = new AbortController();
  /** The camera refused the login, and is left alone for minutes. */
  #refused: SmolvlmError | undefined;
  /** Ends the pause between two single pictures. */
  #wake: (() => void) | undefined;
  #wanted = false;

  constructor(options: RtspOptions, hooks: SourceHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = options.clock ?? systemClock;
    // ffmpeg keeps the interval, but gives a picture too many when the stream's times jump back.
    this.#newest = new NewestFrame(options.intervalMs / 2, hooks.onFrame);
    const read = (onWorked: () => void): Promise<void> =>
      this.#isSingle ? this.#singles(onWorked) : this.#stream(onWorked);
    const onTrouble: SourceHooks['onTrouble'] = (error, isKnown) => {
      this.#refused = error.code === 'image-login' ? error : undefined;
      hooks.onTrouble(error, isKnown);
    };
    void keepTrying(read, onTrouble, { ...options, signal: this.#closing.signal });
  }

  take(): void {
    if (this.#refused) {
      this.#hooks.onTrouble(this.#refused, true);
      return;
    }
    if (!this.#isSingle) {
      this.#newest.take();
      return;
    }
    this.#wanted = true;
    this.#wake?.();
  }

  close(): void {
    this.#closing.abort();
  }

  get #isSingle(): boolean {
    return this.#options.intervalMs >= singleFromMs;
  }

  async #stream(onWorked: () => void): Promise<void> {
    let isFirst = true;
    try {
      await this.#run('stream', (bytes) => {
        this.#refused = undefined;
        if (isFirst) this.#hooks.onConnected();
        if (isFirst) onWorked();
        isFirst = false;
        this.#newest.push(bytes);
      });
    } finally {
      this.#newest.forget();
    }
  }

  /** One picture each interval, or sooner on request. @throws SmolvlmError as soon as one fails */
  async #singles(onWorked: () => void): Promise<void> {
    const { intervalMs } = this.#options;
    const { signal } = this.#closing;
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const startedAt = this.#clock.now();
      this.#wanted = false;
      await this.#run('single', (bytes) => {
        this.#refused = undefined;
        if (isFirst) this.#hooks.onConnected();
        onWorked();
        // A request that came meanwhile has its picture.
        this.#wanted = false;
        this.#hooks.onFrame({ bytes, capturedAt: Date.now() });
      });
      if (this.#wanted) continue;
      const pausing = new AbortController();
      this.#wake = () => pausing.abort();
      const either = AbortSignal.any([signal, pausing.signal]);
      await pauseFor(Math.max(0, intervalMs - (this.#clock.now() - startedAt)), either, this.#clock);
      this.#wake = undefined;
    }
  }

  async #run(mode: 'stream' | 'single', onPicture: (bytes: Uint8Array) => void): Promise<void> {
    const { ffmpeg = 'ffmpeg', url, credentials, intervalMs, timeoutMs } = this.#options;
    const version: FfmpegVersion = await ffmpegVersion(ffmpeg);
    const address = new URL(url);
    if (credentials) {
      address.username = encodeURIComponent(credentials.user);
      address.password = encodeURIComponent(credentials.password);
    }
    const { signal } = this.#closing;
    if (signal.aborted) return;
    await runFfmpeg({ program: ffmpeg, version, address, mode, intervalMs, timeoutMs }, onPicture, {
      signal,
      clock: this.#clock,
    });
  }
}
