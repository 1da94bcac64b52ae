import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { SmolvlmError } from '../../errors';

/** A plain file in an archive. */
export interface ArchiveEntry {
  /** As written in the archive. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Receives the bytes of one file. */
export interface EntrySink {
  write(chunk: Buffer): void | Promise<void>;
  /** Called after the last byte. @returns true to stop reading the archive */
  end(): boolean | Promise<boolean>;
}

/** Weights compress to about nine tenths of their size; an archive that unpacks to more than this factor is not a bundle. */
const mostExpansion = 20;

/** Archives of any ratio may unpack to this size. */
const alwaysAllowedBytes = 64 * 2 ** 20;

const chunkBytes = 256 * 1024;

/**
 * Reads a tar archive, plain or gzipped, from its beginning, one chunk at a time: memory stays at a few chunks, and
 * the event loop is free between them.
 * @param select chooses where an entry's bytes go; undefined skips them
 * @throws SmolvlmError `archive-damaged`, `archive-library`; what `select` and the sinks throw
 */
export async function readArchive(
  archive: string,
  select: (entry: ArchiveEntry) => EntrySink | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const { Parser } = await tarLibrary();
  let fault: unknown;
  let stopped = false;
  const pending: (() => Promise<void>)[] = [];
  // Compression is undone here, off the event loop; a compressed stream inside the compressed stream is refused.
  const parser = new Parser({
    strict: true,
    maxDecompressionRatio: 0,
    onReadEntry: (entry) => {
      let sink: EntrySink | undefined;
      try {
        if (entry.type === 'File') sink = select({ path: entry.path, sizeBytes: entry.size });
      } catch (error) {
        fault ??= error;
      }
      if (sink) {
        const { write, end } = sink;
        entry.on('data', (chunk) => pending.push(async () => write(chunk)));
        entry.on('end', () =>
          pending.push(async () => {
            stopped ||= await end();
          }),
        );
      }
      entry.resume();
    },
  });
  parser.on('error', (error: unknown) => {
    fault ??= damaged(archive, error);
  });
  const settle = async (): Promise<void> => {
    for (const job of pending.splice(0)) {
      if (!stopped) await job();
    }
    if (fault !== undefined && !stopped) throw fault;
    signal?.throwIfAborted();
  };
  for await (const chunk of unpackedChunks(archive)) {
    parser.write(chunk);
    await settle();
    if (stopped) return;
  }
  parser.end();
  await settle();
}

/** The bytes of the tar archive. @throws SmolvlmError `archive-damaged` */
async function* unpackedChunks(archive: string): AsyncGenerator<Buffer> {
  const { sizeBytes, gzipped } = await describeArchive(archive);
  const mostBytes = Math.max(alwaysAllowedBytes, mostExpansion * sizeBytes);
  const file = createReadStream(archive, { highWaterMark: chunkBytes });
  const unzip = gzipped ? createGunzip({ chunkSize: chunkBytes }) : undefined;
  file.on('error', (error) => unzip?.destroy(error));
  let unpackedBytes = 0;
  try {
    for await (const chunk of unzip ? file.pipe(unzip) : file) {
      unpackedBytes += (chunk as Buffer).length;
      if (unpackedBytes > mostBytes) {
        throw damaged(archive, new Error(`it unpacks to more than ${mostExpansion} times its size`));
      }
      yield chunk as Buffer;
    }
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code?.startsWith('Z_') ? damaged(archive, error) : error;
  } finally {
    file.destroy();
    unzip?.destroy();
  }
}

async function describeArchive(archive: string): Promise<{ sizeBytes: number; gzipped: boolean }> {
  const handle = await open(archive);
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    const { size } = await handle.stat();
    return { sizeBytes: size, gzipped: buffer[0] === 0x1f && buffer[1] === 0x8b };
  } finally {
    await handle.close();
  }
}

export function damaged(archive: string, cause: unknown): SmolvlmError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SmolvlmError('archive-damaged', `${archive} cannot be unpacked: ${reason}`, {
    hint: 'Expected an archive made by smolvlm pack, plain or gzipped. Copy or fetch it again.',
    cause,
  });
}

/** @throws SmolvlmError `archive-library` */
export async function tarLibrary() {
  try {
    return await import('tar');
  } catch (cause) {
    throw new SmolvlmError(
      'archive-library',
      'the package tar, which packs and unpacks bundles, is not installed',
      {
        hint: 'Install this package without --omit=optional, or copy the bundle’s folder instead.',
        cause,
      },
    );
  }
}
