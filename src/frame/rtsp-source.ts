import { type ChildProcess, spawn } from 'node:child_process';
import { SmolvlmError } from '../errors';
import { bare } from '../picture/fetch-picture';
import { withoutLogin } from '../picture/without-login';
import type { FrameSource, SourceHooks } from './frame-source';
import { JpegSplitter } from './jpeg-splitter';
import { keepTrying } from './keep-trying';
import type { StreamOptions } from './mjpeg-source';
import { NewestFrame } from './newest-frame';

export interface RtspOptions extends StreamOptions {
  /** The program; default: `ffmpeg` as the PATH has it. */
  readonly ffmpeg?: string;
}

/** A camera's RTSP stream, decoded by ffmpeg where it is installed; broken, it is opened again. */
export class RtspSource implements FrameSource {
  readonly #options: RtspOptions;
  readonly #hooks: SourceHooks;
  readonly #newest: NewestFrame;
  readonly #closing = new AbortController();

  constructor(options: RtspOptions, hooks: SourceHooks) {
    this.#options = options;
    this.#hooks = hooks;
    // ffmpeg keeps the rhythm already.
    this.#newest = new NewestFrame(0, hooks.onFrame);
    const read = (onWorked: () => void): Promise<void> => this.#read(onWorked);
    void keepTrying(read, hooks.onTrouble, this.#closing.signal, options.pauseMs);
  }

  take(): void {
    this.#newest.take();
  }

  close(): void {
    this.#closing.abort();
  }

  #read(onWorked: () => void): Promise<void> {
    const { ffmpeg = 'ffmpeg', silentMs, url } = this.#options;
    const child = spawn(ffmpeg, this.#arguments(), { stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (): void => void child.kill('SIGKILL');
    this.#closing.signal.addEventListener('abort', stop, { once: true });
    let said = '';
    let silent = false;
    let worked = false;
    const watch = setTimeout(() => {
      silent = true;
      stop();
    }, silentMs);
    const splitter = new JpegSplitter((bytes) => {
      if (this.#closing.signal.aborted) return;
      watch.refresh();
      if (!worked) this.#hooks.onConnected();
      worked = true;
      onWorked();
      this.#newest.push(bytes);
    });
    let broken: unknown;
    child.stdout.on('data', (chunk: Buffer) => {
      try {
        splitter.push(chunk);
      } catch (error) {
        broken = error;
        stop();
      }
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said = `${said}${chunk}`.slice(-1000);
    });
    return ended(child).then(
      (how) => {
        clearTimeout(watch);
        this.#closing.signal.removeEventListener('abort', stop);
        this.#newest.forget();
        if (broken) throw broken;
        throw streamError(url, silent ? `nothing came for ${silentMs} ms` : (lastLine(said) ?? how));
      },
      (error: NodeJS.ErrnoException) => {
        clearTimeout(watch);
        this.#closing.signal.removeEventListener('abort', stop);
        throw error.code === 'ENOENT' ? noFfmpeg(ffmpeg) : streamError(url, error.message);
      },
    );
  }

  #arguments(): readonly string[] {
    const { url, credentials, intervalMs } = this.#options;
    const address = new URL(url);
    if (credentials) {
      address.username = encodeURIComponent(credentials.user);
      address.password = encodeURIComponent(credentials.password);
    }
    return [
      ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-rtsp_transport', 'tcp', '-i', address.href],
      ...[
        '-an',
        '-vf',
        `fps=1000/${Math.max(1, Math.round(intervalMs))}`,
        '-q:v',
        '3',
        '-f',
        'image2pipe',
        '-c:v',
        'mjpeg',
        'pipe:1',
      ],
    ];
  }
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.once('close', (code, signal) => resolve(`ffmpeg ended with ${signal ?? code}`));
  });
}

/** What ffmpeg said last, without the password that stands in the address it repeats. */
function lastLine(said: string): string | undefined {
  const line = said.trim().split('\n').at(-1);
  return line ? withoutLogin(line) : undefined;
}

function noFfmpeg(program: string): SmolvlmError {
  return new SmolvlmError('frame-ffmpeg', `RTSP needs the program ${program}, which is not installed`, {
    hint: 'Install ffmpeg (Debian: apt install ffmpeg; Home Assistant: use the camera’s snapshot address instead).',
  });
}

function streamError(url: URL, reason: string): SmolvlmError {
  return new SmolvlmError('frame-stream', `the stream at ${bare(url).href} broke: ${reason}`, {
    hint: 'Try the address in VLC; the node goes on trying.',
  });
}
