import { createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HubError } from '../../model/hub/hub-error';
import { hubFetch, networkError, StallGuard, withRetries } from '../../model/hub/hub-request';
import { type HubSettings, hubSettings } from '../../model/hub/hub-settings';
import { shownAddress } from '../../system/shown-address';

export interface FetchArchiveControl {
  readonly signal?: AbortSignal;
  /** Bytes received, and the total size if the server reports it. */
  readonly onBytes?: (doneBytes: number, totalBytes: number | undefined) => void;
  /** Timeouts and retries, for tests. */
  readonly settings?: Partial<Omit<HubSettings, 'endpoint' | 'token'>>;
}

/**
 * Downloads a file to `path`, continuing where an earlier try stopped as long as the server still has the same file (by
 * ETag or time of change); it gets its name when it is complete.
 * @throws HubError for a refusal or a persistent network failure
 */
export async function fetchArchive(url: URL, path: string, control: FetchArchiveControl = {}): Promise<void> {
  const { signal } = control;
  const settings: HubSettings = { ...hubSettings({}), ...control.settings, endpoint: url.origin };
  const partial = `${path}.partial`;
  let before = -1;
  let size = 0;
  const fetchRest = async (): Promise<void> => {
    before = await sizeOf(partial);
    try {
      await fetchFrom(url, settings, partial, before, control);
    } finally {
      size = await sizeOf(partial);
    }
  };
  await withRetries(settings, fetchRest, signal, () => size > before);
  await rename(partial, path);
  await rm(versionPath(partial), { force: true });
}

/** Requests the missing part; a server that has another file by now, or does not support ranges, sends all of it. */
async function fetchFrom(
  url: URL,
  settings: HubSettings,
  partial: string,
  from: number,
  { signal, onBytes }: FetchArchiveControl,
): Promise<void> {
  const guard = new StallGuard(settings, shownAddress(url), signal);
  try {
    const version = await readFile(versionPath(partial), 'utf8').catch(() => undefined);
    const rest = from > 0 && version !== undefined;
    const headers: Record<string, string> = rest ? { range: `bytes=${from}-`, 'if-range': version } : {};
    const response = await hubFetch(settings, { path: `${url.pathname}${url.search}`, headers, guard });
    // Nothing is missing: the earlier try ended after the last byte.
    if (response.status === 416 && rest && response.headers.get('content-range') === `bytes */${from}`)
      return;
    // The partial file is not the beginning of the server's file.
    if (response.status === 416 && rest) await rm(partial, { force: true });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw refusal(url, response, rest);
    }
    const begin = response.status === 206 ? from : 0;
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    const total = Number.isFinite(length) ? begin + length : undefined;
    await rememberVersion(partial, response);
    let done = begin;
    const count = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        guard.touch();
        done += chunk.length;
        onBytes?.(done, total);
        next(undefined, chunk);
      },
    });
    const sink = createWriteStream(partial, { flags: begin > 0 ? 'a' : 'w' });
    try {
      await pipeline(Readable.fromWeb(response.body as never), count, sink, { signal: guard.signal });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
      throw networkError(error, url.host, guard.signal);
    }
    if (total !== undefined && done < total) {
      throw new HubError(
        'hub-cut-short',
        `${url.host} closed the connection after ${done} of ${total} bytes`,
        {
          retryable: true,
        },
      );
    }
  } finally {
    guard.stop();
  }
}

function refusal({ host, pathname }: URL, { status, statusText }: Response, ranged: boolean): HubError {
  const message = `${host} answered ${status} ${statusText} for ${pathname}`.trimEnd();
  return new HubError('archive-refused', message, {
    retryable: status === 429 || status >= 500 || (status === 416 && ranged),
    hint: 'Check the address in a browser on this machine.',
  });
}

/** The validator for a range request (RFC 9110, If-Range): a strong ETag, else the time of change. */
async function rememberVersion(partial: string, response: Response): Promise<void> {
  const etag = response.headers.get('etag');
  const version = etag && !etag.startsWith('W/') ? etag : response.headers.get('last-modified');
  if (version) await writeFile(versionPath(partial), version);
  else await rm(versionPath(partial), { force: true });
}

function versionPath(partial: string): string {
  return `${partial}.version`;
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  );
}
