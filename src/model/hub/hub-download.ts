import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { HubError, statusError } from './hub-error';
import { type HubFile, resolvePath, subject } from './hub-listing';
import { hubFetch, networkError, StallGuard, withRetries } from './hub-request';
import type { HubSettings } from './hub-settings';

export interface DownloadControl {
  readonly signal?: AbortSignal;
  /** Bytes of the file that are on the disk. */
  readonly onBytes?: (doneBytes: number) => void;
}

/** What an interrupted download leaves, to be gone on with. */
export function incompletePath(path: string): string {
  return `${path}.incomplete`;
}

/**
 * Fetches a file to `path`, going on where an earlier download stopped. It gets its name only when size and checksum
 * are right; a file that is whole but wrong is fetched once more from the start.
 * @returns bytes that came over the network
 * @throws HubError
 */
export async function downloadFile(
  settings: HubSettings,
  source: { readonly id: string; readonly commit: string },
  file: HubFile,
  path: string,
  control: DownloadControl = {},
): Promise<number> {
  const { signal } = control;
  const partial = incompletePath(path);
  let received = 0;
  for (let wrong = 0; ; wrong++) {
    // Only getting further counts as progress: a hub that ignores ranges may send the same bytes for ever.
    let furthest = 0;
    let before = 0;
    const fetchRest = async (): Promise<void> => {
      before = furthest;
      const done = await usableBytes(partial, file);
      if (done === file.sizeBytes && done > 0) return;
      await fetchFrom(settings, source, file, partial, done, control, (bytes, end) => {
        received += bytes;
        furthest = Math.max(furthest, end);
      });
    };
    await withRetries(settings, fetchRest, signal, () => furthest > before);
    const found = await checksumFound(partial, file, signal);
    if (found === file.checksum?.hex) break;
    await rm(partial, { force: true });
    if (wrong > 0) {
      throw new HubError(
        'hub-checksum',
        `${file.name}: expected ${file.checksum?.algorithm} ${file.checksum?.hex}, received ${found}`,
        { hint: 'It came wrong twice: a proxy or mirror may be damaging it.' },
      );
    }
  }
  await rename(partial, path);
  return received;
}

/** @returns bytes to go on from; a partial file longer than the file itself is thrown away */
async function usableBytes(partial: string, file: HubFile): Promise<number> {
  const size = await stat(partial).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= file.sizeBytes) return size;
  await rm(partial);
  return 0;
}

/** Appends the bytes after the first `from` ones, or all of them when the hub does not answer with a part. */
async function fetchFrom(
  settings: HubSettings,
  { id, commit }: { readonly id: string; readonly commit: string },
  file: HubFile,
  partial: string,
  from: number,
  { signal, onBytes }: DownloadControl,
  onReceived: (bytes: number, end: number) => void,
): Promise<void> {
  const guard = new StallGuard(settings.stallTimeoutMs, settings.endpoint, signal);
  let target: FileHandle | undefined;
  try {
    const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
    const response = await hubFetch(settings, { path: resolvePath(id, commit, file.name), headers, guard });
    const begin = firstByte(response, from);
    if (begin === undefined) {
      await response.body?.cancel();
      throw statusError(response, subject(settings, id, `${file.name} of ${id}`));
    }
    if (begin !== from && begin > 0) {
      await response.body?.cancel();
      await rm(partial, { force: true });
      const message = `${file.name}: asked for the bytes from ${from}, received those from ${begin}`;
      throw new HubError('hub-range', message, { retryable: true });
    }
    target = await open(partial, begin === 0 ? 'w' : 'a');
    let done = begin;
    onBytes?.(done);
    for await (const chunk of bodyChunks(response, guard, settings)) {
      guard.touch();
      done += chunk.length;
      if (done > file.sizeBytes) {
        await rm(partial, { force: true });
        throw new HubError('hub-size', `${file.name}: expected ${file.sizeBytes} bytes, received more`);
      }
      await target.appendFile(chunk);
      onReceived(chunk.length, done);
      onBytes?.(done);
    }
    if (done < file.sizeBytes) {
      const message = `${file.name}: the download ended at byte ${done} of ${file.sizeBytes}`;
      throw new HubError('hub-cut', message, { retryable: true });
    }
    await target.sync();
  } finally {
    guard.stop();
    await target?.close();
  }
}

/** @returns where the body begins in the file; undefined for a refusal. A range out of the file counts as one from its end. */
function firstByte(response: Response, from: number): number | undefined {
  if (response.status === 200) return 0;
  if (response.status === 416) return from + 1;
  if (response.status !== 206) return undefined;
  const begin = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  return begin === undefined ? from + 1 : Number(begin);
}

async function* bodyChunks(
  { body }: Response,
  guard: StallGuard,
  { endpoint }: HubSettings,
): AsyncGenerator<Uint8Array> {
  try {
    if (body) yield* body;
  } catch (error) {
    throw networkError(error, new URL(endpoint).host, guard.signal);
  }
}

/** @returns the checksum, of the kind the hub told, of what lies on the disk; undefined when it told none */
async function checksumFound(path: string, file: HubFile, signal?: AbortSignal): Promise<string | undefined> {
  if (!file.checksum) return undefined;
  const git = file.checksum.algorithm === 'git-blob';
  const hash = createHash(git ? 'sha1' : 'sha256');
  if (git) hash.update(`blob ${file.sizeBytes}\0`);
  const stream = createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) });
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
