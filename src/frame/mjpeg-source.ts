import { SmolvlmError } from '../errors';
import { authorizedFetch, bare, type Credentials } from '../picture/fetch-picture';
import type { FrameSource, SourceHooks } from './frame-source';
import { JpegSplitter } from './jpeg-splitter';
import { keepTrying } from './keep-trying';
import { NewestFrame } from './newest-frame';

export interface StreamOptions {
  readonly url: URL;
  readonly credentials?: Credentials;
  /** Between two frames handed on. */
  readonly intervalMs: number;
  /** A stream that is silent for so long is broken. */
  readonly silentMs: number;
  readonly pauseMs?: number;
}

/** A camera's MJPEG stream over HTTP (`multipart/x-mixed-replace`); broken, it is opened again. */
export class MjpegSource implements FrameSource {
  readonly #options: StreamOptions;
  readonly #hooks: SourceHooks;
  readonly #newest: NewestFrame;
  readonly #closing = new AbortController();

  constructor(options: StreamOptions, hooks: SourceHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#newest = new NewestFrame(options.intervalMs, hooks.onFrame);
    const read = (onWorked: () => void): Promise<void> => this.#read(onWorked);
    void keepTrying(read, hooks.onTrouble, this.#closing.signal, options.pauseMs);
  }

  take(): void {
    this.#newest.take();
  }

  close(): void {
    this.#closing.abort();
  }

  async #read(onWorked: () => void): Promise<void> {
    const { url, credentials, silentMs } = this.#options;
    const silent = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, silent.signal]);
    let timer = setTimeout(() => silent.abort(), silentMs);
    let worked = false;
    const splitter = new JpegSplitter((bytes) => {
      if (signal.aborted) return;
      if (!worked) this.#hooks.onConnected();
      worked = true;
      onWorked();
      this.#newest.push(bytes);
    });
    try {
      const headers = { accept: 'multipart/x-mixed-replace, image/jpeg' };
      const { body } = await authorizedFetch(url, headers, signal, credentials);
      for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), silentMs);
        splitter.push(chunk);
      }
      throw streamError(url, worked ? 'it ended' : 'it ended without a picture');
    } catch (cause) {
      if (cause instanceof SmolvlmError) throw cause;
      throw streamError(
        url,
        silent.signal.aborted ? `nothing came for ${silentMs} ms` : reasonOf(cause),
        cause,
      );
    } finally {
      clearTimeout(timer);
      this.#newest.forget();
    }
  }
}

function streamError(url: URL, reason: string, cause?: unknown): SmolvlmError {
  return new SmolvlmError('frame-stream', `the stream at ${bare(url).href} broke: ${reason}`, {
    hint: 'Open the address in a browser on this machine; the node goes on trying.',
    cause,
  });
}

/** fetch hides the reason of a network fault in its cause. */
function reasonOf(fault: unknown): string {
  const inner = fault instanceof Error && fault.cause !== undefined ? fault.cause : fault;
  return inner instanceof Error ? inner.message : String(inner);
}
