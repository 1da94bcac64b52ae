import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorBody, SmolvlmError } from '../errors';
import { checkByteCount, defaultPictureLimits } from '../picture/picture-limits';
import type { FrameSource, SourceHooks } from './frame-source';

export interface FolderOptions {
  readonly folder: string;
  /** Between two looks. */
  readonly intervalMs: number;
}

const pictures = /\.(jpe?g|png|webp|avif|heic|gif|tiff?|bmp)$/i;

interface Seen {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Handed on, or there before the source was. */
  readonly done: boolean;
}

/**
 * New pictures in a folder, where cameras upload them (FTP, motion). Looked at in a rhythm: folders on the network tell
 * nothing by themselves. A file is read once it has stopped growing.
 */
export class FolderSource implements FrameSource {
  readonly #options: FolderOptions;
  readonly #hooks: SourceHooks;
  readonly #timer: NodeJS.Timeout;
  readonly #seen = new Map<string, Seen>();
  #first = true;
  #busy = false;
  #closed = false;
  #troubled = false;

  constructor(options: FolderOptions, hooks: SourceHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#timer = setInterval(() => this.#look(), options.intervalMs);
    this.#look();
  }

  /** The newest whole picture there is, also one from before. */
  take(): void {
    let newest: (Seen & { readonly name: string }) | undefined;
    for (const [name, seen] of this.#seen) {
      if (seen.done && !(newest && newest.modifiedMs >= seen.modifiedMs)) newest = { ...seen, name };
    }
    if (newest) void this.#hand(newest.name);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#busy || this.#closed) return;
    this.#busy = true;
    void this.#scan()
      .then(
        () => {
          if (this.#troubled || this.#first) this.#hooks.onConnected();
          this.#troubled = false;
          this.#first = false;
        },
        (error: unknown) => {
          if (!this.#troubled) this.#hooks.onTrouble(folderError(this.#options.folder, error));
          this.#troubled = true;
        },
      )
      .finally(() => {
        this.#busy = false;
      });
  }

  async #scan(): Promise<void> {
    const names = (await readdir(this.#options.folder)).filter((name) => pictures.test(name)).sort();
    const there = new Set(names);
    for (const name of this.#seen.keys()) if (!there.has(name)) this.#seen.delete(name);
    for (const name of names) {
      const found = await stat(join(this.#options.folder, name)).catch(() => undefined);
      if (!found?.isFile() || this.#closed) continue;
      const [sizeBytes, modifiedMs] = [found.size, found.mtimeMs];
      const before = this.#seen.get(name);
      const same = before?.sizeBytes === sizeBytes && before.modifiedMs === modifiedMs;
      if (same && before.done) continue;
      const done = this.#first || (same && sizeBytes > 0);
      this.#seen.set(name, { sizeBytes, modifiedMs, done });
      if (done && !this.#first) await this.#hand(name);
    }
  }

  async #hand(name: string): Promise<void> {
    const path = join(this.#options.folder, name);
    try {
      const { size, mtimeMs } = await stat(path);
      checkByteCount(size, defaultPictureLimits);
      const bytes = await readFile(path);
      if (!this.#closed) this.#hooks.onFrame({ bytes, capturedAt: mtimeMs, name });
    } catch (error) {
      if (this.#closed) return;
      // It may have been taken away again meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#hooks.onTrouble(folderError(path, error));
    }
  }
}

function folderError(path: string, error: unknown): SmolvlmError {
  if (error instanceof SmolvlmError) {
    const { code, message, hint } = error;
    return new SmolvlmError(code, `${path}: ${message}`, { hint });
  }
  return new SmolvlmError('frame-folder', `${path} cannot be read: ${errorBody(error).message}`, {
    hint: 'Check the path, and that the user of Node-RED may read it.',
    cause: error,
  });
}
