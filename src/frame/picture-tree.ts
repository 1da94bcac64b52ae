import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const pictures = /^[^.].*\.(jpe?g|png|webp|avif|heic|gif|tiff?|bmp)$/i;

/** File systems keep times to 2 s (FAT): a folder that changed this recently may change again at the same time. */
const coarseMs = 5_000;

/** The newest files are checked in each scan; older ones no longer change. */
const mostWatched = 2_000;

const deepest = 8;

export interface PictureFile {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

interface KnownFolder {
  readonly modifiedMs: number;
  readonly scannedAt: number;
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/**
 * The pictures in a folder and its subfolders (cameras upload to `2026/11/26/`). Folders that have not changed are not
 * read again, and only the newest files are: a year of uploads is scanned each second.
 */
export class PictureTree {
  readonly #root: string;
  readonly #folders = new Map<string, KnownFolder>();
  readonly #files = new Map<string, PictureFile>();

  constructor(root: string) {
    this.#root = root;
  }

  /** @returns the files by their path below the folder @throws what reading the folder throws, not its subfolders */
  async scan(): Promise<ReadonlyMap<string, PictureFile>> {
    const found = new Set<string>();
    await this.#scanFolder('', 0, found);
    for (const name of this.#files.keys()) if (!found.has(name)) this.#files.delete(name);
    for (const name of this.#watched(found)) {
      const file = await stat(join(this.#root, name)).catch(() => undefined);
      if (file?.isFile()) this.#files.set(name, { sizeBytes: file.size, modifiedMs: file.mtimeMs });
      else this.#files.delete(name);
    }
    return this.#files;
  }

  async #scanFolder(path: string, depth: number, found: Set<string>): Promise<void> {
    const { mtimeMs } = await stat(join(this.#root, path));
    let known = this.#folders.get(path);
    const isSame = known?.modifiedMs === mtimeMs && known.scannedAt - mtimeMs > coarseMs;
    if (!known || !isSame) {
      known = { ...(await this.#read(path)), modifiedMs: mtimeMs, scannedAt: Date.now() };
      this.#folders.set(path, known);
    }
    for (const name of known.files) found.add(name);
    if (depth >= deepest) return;
    for (const folder of known.folders) {
      await this.#scanFolder(folder, depth + 1, found).catch(() => this.#folders.delete(folder));
    }
  }

  async #read(path: string): Promise<Pick<KnownFolder, 'folders' | 'files'>> {
    const entries = await readdir(join(this.#root, path), { withFileTypes: true });
    const below = ({ name }: Dirent): string => (path === '' ? name : `${path}/${name}`);
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
    const files = entries.filter((entry) => !entry.isDirectory() && pictures.test(entry.name));
    return { folders: folders.map(below).sort(), files: files.map(below).sort() };
  }

  /** New files, and the newest of the known ones. */
  #watched(found: ReadonlySet<string>): readonly string[] {
    const names = [...found];
    if (names.length <= mostWatched) return names;
    const isNew = names.filter((name) => !this.#files.has(name));
    const byTime = [...this.#files].sort(([, a], [, b]) => b.modifiedMs - a.modifiedMs);
    return [...isNew, ...byTime.slice(0, mostWatched).map(([name]) => name)];
  }
}
