import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { JpegSplitter } from '../../picture/jpeg-splitter';
import { type Clock, systemClock } from '../../system/clock';
import { type FfmpegJob, ffmpegArguments, ffmpegInput } from './ffmpeg-arguments';
import { ffmpegError, frameStreamError } from './ffmpeg-reason';
import { ParameterSets } from './parameter-sets';

/** Longest wait for a keyframe while the camera may be sending: some send one in half a minute. */
const keyframeMs = 60_000;

/**
 * ffmpeg in place of the shell, with a child that kills it when descriptor 4 closes: it must not outlive this process,
 * which can end without running any code.
 */
const tied = '{ read -r _; kill -9 $$; } <&4 >/dev/null 2>&1 3>&- & exec "$@" 4<&-';

export interface FfmpegControl {
  readonly signal: AbortSignal;
  readonly clock?: Clock;
}

/**
 * Runs ffmpeg on one address until it ends, its pictures stop, or the signal is aborted.
 * @returns after the picture in mode `single`, when the signal is aborted, and when the video's size changes
 * @throws SmolvlmError `frame-stream`, `image-login`
 */
export async function runFfmpeg(
  job: FfmpegJob & { readonly program: string },
  onPicture: (bytes: Uint8Array) => void,
  { signal, clock = systemClock }: FfmpegControl,
): Promise<void> {
  const { program, address, mode, intervalMs, timeoutMs } = job;
  const child = spawn('/bin/sh', ['-c', tied, 'sh', program, ...ffmpegArguments(job)], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    // Its own group: the shell's child ends with it.
    detached: true,
  });
  let outcome: { readonly error?: Error } | undefined;
  const end = (error?: Error): void => {
    outcome ??= error ? { error } : {};
    killGroup(child);
  };
  const onAbort = (): void => end();
  signal.addEventListener('abort', onAbort, { once: true });
  const watch = new StreamWatch(clock, {
    firstMs: timeoutMs + keyframeMs,
    pictureMs: Math.max(timeoutMs, 3 * intervalMs),
    videoMs: timeoutMs,
    onSilent: (reason) => end(frameStreamError(address, reason)),
  });
  const splitter = new JpegSplitter((bytes) => {
    if (outcome) return;
    watch.picture();
    onPicture(bytes);
    if (mode === 'single') end();
  });
  const parameterSets = new ParameterSets();
  const [input, pictures, errors, video] = child.stdio as unknown as [Writable, Readable, Readable, Readable];
  let said = '';
  input.on('error', () => undefined);
  input.end(ffmpegInput(job));
  pictures.on('data', (chunk: Buffer) => {
    try {
      splitter.push(chunk);
    } catch (error) {
      end(error as Error);
    }
  });
  video.on('data', (chunk: Buffer) => {
    watch.video();
    // ffmpeg would go on with pictures of the old size.
    if (mode === 'stream' && parameterSets.changedIn(chunk)) end();
  });
  errors.setEncoding('utf8').on('data', (chunk: string) => {
    said = `${said}${chunk}`.slice(-4000);
  });
  try {
    const how = await ended(child);
    if (outcome === undefined) throw ffmpegError(address, said, how);
    if (outcome.error) throw outcome.error;
  } finally {
    watch.stop();
    signal.removeEventListener('abort', onAbort);
    killGroup(child);
    for (const pipe of child.stdio) pipe?.destroy();
  }
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // Not `close`: the shell's child holds descriptors until the group is killed.
    child.once('exit', (code, signal) => setImmediate(() => resolve(`${signal ?? code}`)));
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

interface WatchOptions {
  /** Up to the first picture. */
  readonly firstMs: number;
  /** Between two pictures. */
  readonly pictureMs: number;
  /** Between two bytes of the video. */
  readonly videoMs: number;
  readonly onSilent: (reason: string) => void;
}

/** Detects a frozen stream. Before the first picture only video must arrive, because a keyframe may be late. */
class StreamWatch {
  readonly #clock: Clock;
  readonly #options: WatchOptions;
  #stopPicture: () => void;
  #stopVideo: (() => void) | undefined;

  constructor(clock: Clock, options: WatchOptions) {
    this.#clock = clock;
    this.#options = options;
    const { firstMs, onSilent } = options;
    this.#stopPicture = clock.after(firstMs, () => onSilent(`no picture was received for ${firstMs} ms`));
  }

  picture(): void {
    const { pictureMs, onSilent } = this.#options;
    this.#stopPicture();
    this.#stopPicture = this.#clock.after(pictureMs, () =>
      onSilent(`no picture was received for ${pictureMs} ms`),
    );
  }

  video(): void {
    const { videoMs, onSilent } = this.#options;
    this.#stopVideo?.();
    this.#stopVideo = this.#clock.after(videoMs, () => onSilent(`nothing was received for ${videoMs} ms`));
  }

  stop(): void {
    this.#stopPicture();
    this.#stopVideo?.();
  }
}
