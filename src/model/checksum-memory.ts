import { createHash, randomUUID } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSha256 } from '../system/files/file-checksum';
import { makeFolder } from '../system/files/make-folder';
import { replaceFile } from '../system/files/shared-files';
import { cacheFolder } from './cache-folder';

interface Remembered {
  readonly path: string;
  readonly sizeBytes: number;
  /** Nanoseconds, as text: more than a JSON number holds. */
  readonly modified: string;
  readonly inode: string;
  readonly sha256: string;
}

/** A file changed this recently may change again without a new modification time (the "racy git" problem). */
const settledNs = 2_000_000_000n;

/**
 * SHA-256 of a file, computed once: it is stored in the cache folder and used as long as size, modification time and
 * inode stay the same. When the store cannot be read or written, the file is hashed again.
 */
export async function rememberedSha256(
  path: string,
  memory = join(cacheFolder(), 'checksums'),
): Promise<string> {
  const real = await realpath(path);
  const note = join(memory, `${createHash('sha256').update(real).digest('hex').slice(0, 32)}.json`);
  const before = await identity(real);
  const known = await recall(note);
  if (known && known.path === real && sameIdentity(known, before)) return known.sha256;
  const sha256 = await fileSha256(real);
  const after = await identity(real);
  const settled = BigInt(Date.now()) * 1_000_000n - BigInt(after.modified) > settledNs;
  if (settled && sameIdentity(before, after)) await remember(memory, note, { path: real, ...after, sha256 });
  return sha256;
}

async function identity(path: string): Promise<Pick<Remembered, 'sizeBytes' | 'modified' | 'inode'>> {
  const { size, mtimeNs, ino } = await stat(path, { bigint: true });
  return { sizeBytes: Number(size), modified: String(mtimeNs), inode: String(ino) };
}

function sameIdentity(
  a: Pick<Remembered, 'sizeBytes' | 'modified' | 'inode'>,
  b: Pick<Remembered, 'sizeBytes' | 'modified' | 'inode'>,
): boolean {
  return a.sizeBytes === b.sizeBytes && a.modified === b.modified && a.inode === b.inode;
}

async function recall(note: string): Promise<Remembered | undefined> {
  try {
    return JSON.parse(await readFile(note, 'utf8')) as Remembered;
  } catch {
    return undefined;
  }
}

async function remember(memory: string, note: string, entry: Remembered): Promise<void> {
  try {
    await makeFolder(memory);
    await replaceFile(note, JSON.stringify(entry), 0o644, randomUUID());
  } catch {
    // The cache may be read-only; the file is then hashed again next time.
  }
}
