import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { defined } from '../../system/defined';
import { HubError, statusError } from './hub-error';
import { type HubFile, resolvePath, subject } from './hub-listing';
import { hubFetch, networkError, StallGuard, withRetries } from './hub-request';
import type { HubSettings } from './hub-settings';

export interface DownloadControl {
  readonly signal?: AbortSignal;
  /** Called with the bytes of the file that are on the disk. */
  readonly onBytes?: (doneBytes: number) => void;
}

/** The file of an interrupted download, which the next one continues. */
export function incompletePath(path: string): string {
  return `${path}.incomplete`;
}

/**
 * Fetches a file to `path`, continuing an earlier download. It gets its name only when size and checksum are right; a
 * complete file with a wrong checksum is fetched once more from the start.
 * @returns bytes received over the network
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
    // Only new bytes count as progress: a hub that ignores ranges may send the same ones forever.
    let furthest = 0;
    let before = 0;
    const fetchRest = async (): Promise<void> => {
      before = furthest;
      const done = await usableBytes(partial, file);
      if (done === file.sizeBytes && done > 0) return;
      await fetchFrom(settings, { ...source, file }, partial, done, {
        ...control,
        onReceived: (bytes, end) => {
          received += bytes;
          furthest = Math.max(furthest, end);
        },
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
        { hint: 'The download was wrong twice: a proxy or a mirror may damage it.' },
      );
    }
  }
  await rename(partial, path);
  return received;
}

/** @returns the number of bytes to continue from; a partial file longer than the file itself is removed */
async function usableBytes(partial: string, file: HubFile): Promise<number> {
  const size = await stat(partial).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= file.sizeBytes) return size;
  await rm(partial);
  return 0;
}

/** Appends the bytes after the first `from` ones, or writes all of them when the hub does not answer with a range. */
async function fetchFrom(
  settings: HubSettings,
  { id, commit, file }: { readonly id: string; readonly commit: string; readonly file: HubFile },
  partial: string,
  from: number,
  { signal, onBytes, onReceived }: DownloadControl & { onReceived(bytes: number, end: number): void },
): Promise<void> {
  const guard = new StallGuard(settings, settings.endpoint, signal);
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
      const message = `${file.name}: requested the bytes from ${from}, received those from ${begin}`;
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

/** @returns the body's offset in the file; undefined for an error status. A range outside of the file counts as one from its end. */
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

/** @returns the checksum of the file on the disk, of the kind that the hub gave; undefined when it gave none */
async function checksumFound(path: string, file: HubFile, signal?: AbortSignal): Promise<string | undefined> {
  if (!file.checksum) return undefined;
  const git = file.checksum.algorithm === 'git-blob';
  const hash = createHash(git ? 'sha1' : 'sha256');
  if (git) hash.update(`blob ${file.sizeBytes}\0`);
  const stream = createReadStream(path, { highWaterMark: 1 << 20, ...defined({ signal }) });
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
