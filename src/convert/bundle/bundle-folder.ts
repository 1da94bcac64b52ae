import { lstatSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeBundleFile, verifyBundleFile } from '../../model/bundle/bundle-file';
import type { BundleFile, BundleManifest } from '../../model/bundle/bundle-manifest';
import { bundleManifestName } from '../../model/bundle/read-bundle';
import { Mutex } from '../../system/async/mutex';
import { makeFolder } from '../../system/files/make-folder';
import { checkBundlePlace } from './check-bundle-place';

/** A finished part of a bundle: the files it wrote and its entry in the manifest. */
export interface BundlePart<T> {
  readonly files: readonly BundleFile[];
  readonly entry: T;
}

const journalName = 'parts.json';
const workName = 'work';

interface Journal {
  readonly key: string;
  readonly parts: Record<string, BundlePart<unknown>>;
}

/**
 * A bundle while it is being made, in `<bundle>.partial`. Each finished part is recorded in a journal, so
 * that making the same bundle again continues where it stopped; the folder gets its name when it is complete.
 */
export class BundleFolder {
  /** Where the parts are written. */
  readonly dir: string;
  readonly #finalDir: string;
  readonly #journal: Journal;
  readonly #journalMutex = new Mutex();

  private constructor(finalDir: string, dir: string, journal: Journal) {
    this.#finalDir = finalDir;
    this.dir = dir;
    this.#journal = journal;
  }

  /**
   * @param key changes with anything the parts depend on; parts of another key are deleted
   * @throws SmolvlmError `bundle-place` when one of the two neighbours it uses belongs to somebody else
   */
  static async open(bundleDir: string, key: string): Promise<BundleFolder> {
    const dir = `${bundleDir}.partial`;
    const replaced = replacedPath(bundleDir);
    await checkBundlePlace(dir, [journalName]);
    await checkBundlePlace(replaced);
    // If the machine stopped in the middle of a replacement, the earlier bundle is still whole.
    if (isThere(replaced) && !isThere(bundleDir)) await rename(replaced, bundleDir);
    const found = await readJournal(dir);
    if (found?.key !== key) await rm(dir, { recursive: true, force: true });
    await makeFolder(dir);
    const folder = new BundleFolder(bundleDir, dir, found?.key === key ? found : { key, parts: {} });
    // The journal also marks the folder as ours, before anything else is in it.
    await folder.#writeJournal();
    return folder;
  }

  /** Makes a part, or returns the one made before if all its files are unchanged. */
  async part<T>(name: string, make: (dir: string) => Promise<BundlePart<T>>): Promise<T> {
    const done = this.#journal.parts[name];
    if (done && (await this.#whole(done.files))) return done.entry as T;
    const part = await make(this.dir);
    // A part without files may have a different result next time, e.g. once a tool is installed.
    if (part.files.length === 0) return part.entry;
    this.#journal.parts[name] = part;
    await this.#writeJournal();
    return part.entry;
  }

  /** Removes parts from the journal, so that they are made again. */
  async drop(names: readonly string[]): Promise<void> {
    for (const name of names) delete this.#journal.parts[name];
    await this.#writeJournal();
  }

  /** Writes a file and describes it. @param path relative to the bundle */
  async writeFile(path: string, data: string | Uint8Array): Promise<BundleFile> {
    await writeWhole(join(this.dir, path), data);
    return describeBundleFile(this.dir, path);
  }

  /** A folder for temporary files of the parts; not part of the finished bundle. */
  async workDir(): Promise<string> {
    const dir = join(this.dir, workName);
    await makeFolder(dir);
    return dir;
  }

  /** Writes the manifest and moves the complete bundle to its place; an earlier bundle there stays whole until then. */
  async finish(manifest: BundleManifest): Promise<void> {
    await writeWhole(join(this.dir, bundleManifestName), `${JSON.stringify(manifest, undefined, 2)}\n`);
    await rm(join(this.dir, journalName), { force: true });
    await rm(join(this.dir, workName), { recursive: true, force: true });
    const replaced = replacedPath(this.#finalDir);
    await rm(replaced, { recursive: true, force: true });
    if (isThere(this.#finalDir)) await rename(this.#finalDir, replaced);
    await rename(this.dir, this.#finalDir);
    await rm(replaced, { recursive: true, force: true });
  }

  /** Parts may end at the same time; each write of the file waits for the one before. */
  #writeJournal(): Promise<void> {
    return this.#journalMutex.run(() =>
      writeWhole(join(this.dir, journalName), JSON.stringify(this.#journal)),
    );
  }

  async #whole(files: readonly BundleFile[]): Promise<boolean> {
    try {
      for (const file of files) await verifyBundleFile(this.dir, file);
      return true;
    } catch {
      return false;
    }
  }
}

/** Also a link to what does not exist. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function replacedPath(bundleDir: string): string {
  return `${bundleDir}.replaced`;
}

async function readJournal(dir: string): Promise<Journal | undefined> {
  try {
    return JSON.parse(await readFile(join(dir, journalName), 'utf8')) as Journal;
  } catch {
    return undefined;
  }
}

async function writeWhole(path: string, data: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.tmp`, data);
  await rename(`${path}.tmp`, path);
}
