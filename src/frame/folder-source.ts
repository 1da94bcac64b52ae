import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorBody, SmolvlmError } from '../errors';
import { checkByteCount, defaultPictureLimits } from '../picture/picture-limits';
import { type Clock, systemClock } from '../system/clock';
import { isWholeFile } from './file-end';
import type { FrameSource, SourceHooks } from './frame-source';
import { PictureTree } from './picture-tree';

export interface FolderOptions {
  readonly folder: string;
  /** Between two scans. */
  readonly intervalMs: number;
  readonly clock?: Clock;
}

/** An upload that stalls for longer has failed: what is there is passed on, and the decoder says what is missing. */
const stalledMs = 60_000;

interface KnownFile {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** When this size was first found. */
  readonly since: number;
  /** Passed on, or there before the source was. */
  readonly done: boolean;
}

/**
 * New pictures in a folder and its subfolders, to which cameras upload them (FTP, motion). It is scanned at an interval:
 * network folders report no changes. A file is read when it has stopped growing and ends as its format ends.
 */
export class FolderSource implements FrameSource {
  readonly #options: FolderOptions;
  readonly #hooks: SourceHooks;
  readonly #clock: Clock;
  readonly #timer: NodeJS.Timeout;
  readonly #tree: PictureTree;
  readonly #known = new Map<string, KnownFile>();
  #first = true;
  #busy = false;
  #closed = false;
  /** Why the folder cannot be read. */
  #trouble: SmolvlmError | undefined;
  /** A picture was asked for before the first scan. */
  #wanted = false;

  constructor(options: FolderOptions, hooks: SourceHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = options.clock ?? systemClock;
    this.#tree = new PictureTree(options.folder);
    this.#timer = setInterval(() => this.#look(), options.intervalMs);
    this.#look();
  }

  /** The newest whole picture, also one from before. */
  take(): void {
    if (this.#first && !this.#trouble) {
      this.#wanted = true;
      return;
    }
    let newest: (KnownFile & { readonly name: string }) | undefined;
    for (const [name, file] of this.#known) {
      if (file.done && !(newest && newest.modifiedMs >= file.modifiedMs)) newest = { ...file, name };
    }
    if (newest && !this.#trouble) void this.#pass(newest.name);
    else this.#hooks.onTrouble(this.#trouble ?? emptyError(this.#options.folder), true);
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
          if (this.#trouble || this.#first) this.#hooks.onConnected();
          this.#trouble = undefined;
          this.#first = false;
        },
        (error: unknown) => {
          const isKnown = this.#trouble !== undefined;
          this.#trouble = folderError(this.#options.folder, error);
          this.#hooks.onTrouble(this.#trouble, isKnown);
        },
      )
      .finally(() => {
        this.#busy = false;
        if (this.#wanted) this.take();
        this.#wanted = false;
      });
  }

  async #scan(): Promise<void> {
    const files = await this.#tree.scan();
    for (const name of this.#known.keys()) if (!files.has(name)) this.#known.delete(name);
    for (const [name, { sizeBytes, modifiedMs }] of files) {
      if (this.#closed) return;
      const before = this.#known.get(name);
      const same = before?.sizeBytes === sizeBytes && before.modifiedMs === modifiedMs;
      if (same && before.done) continue;
      const since = same ? before.since : this.#clock.now();
      const isStill = same && sizeBytes > 0 && (await this.#isWhole(name, since));
      this.#known.set(name, { sizeBytes, modifiedMs, since, done: this.#first || isStill });
      if (isStill && !this.#first) await this.#pass(name);
    }
  }

  async #isWhole(name: string, since: number): Promise<boolean> {
    if (this.#clock.now() - since >= stalledMs) return true;
    return isWholeFile(join(this.#options.folder, name));
  }

  async #pass(name: string): Promise<void> {
    const path = join(this.#options.folder, name);
    try {
      const { size, mtimeMs } = await stat(path);
      checkByteCount(size, defaultPictureLimits);
      const bytes = await readFile(path);
      if (!this.#closed) this.#hooks.onFrame({ bytes, capturedAt: mtimeMs, name });
    } catch (error) {
      if (this.#closed) return;
      // It may have been removed in the meantime, which only matters to those who asked for it.
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      this.#hooks.onTrouble(folderError(path, error), isGone);
    }
  }
}

function emptyError(folder: string): SmolvlmError {
  return new SmolvlmError('frame-folder', `${folder} holds no picture yet`, {
    hint: 'Check the path, and that the camera uploads JPEG, PNG or WebP files into it.',
  });
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
