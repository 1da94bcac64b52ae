import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
} from 'node:fs';
import { join, posix } from 'node:path';
import { liveProcess } from './process-facts';
import { type ProcessFacts, parseRecording, recordingName, type SystemRecording } from './system-recording';

/** A device node and whether this process may use it. */
export interface DeviceNode {
  readonly path: string;
  /** Octal permissions, e.g. `0660`. */
  readonly mode: string;
  readonly gid: number;
  /** Error code that opening it for reading and writing ended in; absent when it opens. */
  readonly refused?: string;
}

/** As many links in one path as Linux follows. */
const mostLinks = 40;

/**
 * A machine as the files of /sys, /proc, /dev and /etc describe it: the live one, or a tree recorded on
 * another. Nothing throws for a file that is absent or may not be read: that is what a caller asks for.
 */
export class SystemFiles {
  /** Of the process that looks, or looked when it was recorded. */
  readonly process: ProcessFacts;
  readonly #recording: SystemRecording | undefined;

  /** @param root folder of the tree @throws SmolvlmError `doctor-recording` for a broken recording */
  constructor(readonly root = '/') {
    this.#recording = readRecording(root);
    this.process = this.#recording?.process ?? liveProcess();
  }

  /** The machine that this process runs on. */
  get live(): boolean {
    return this.root === '/';
  }

  /** A file's text without blanks and NULs at its ends; undefined when it is absent or may not be read. */
  text(path: string): string | undefined {
    return this.bytes(path)
      ?.toString('utf8')
      .replace(/^[\s\0]+|[\s\0]+$/g, '');
  }

  /** The first match in a file's bytes, taken as latin-1. @returns undefined also when it cannot be read */
  match(path: string, pattern: RegExp): RegExpExecArray | undefined {
    return pattern.exec(this.bytes(path)?.toString('latin1') ?? '') ?? undefined;
  }

  /** Names in a folder, sorted; none when it is absent or may not be read. */
  names(path: string): readonly string[] {
    const recorded = this.#recorded(path);
    try {
      return [...new Set([...readdirSync(this.#resolve(path)), ...recorded])].sort();
    } catch {
      return recorded.sort();
    }
  }

  /** Whether there is such a file, folder or device. */
  has(path: string): boolean {
    if (this.#recording && (path in this.#recording.devices || this.denied(path))) return true;
    try {
      statSync(this.#resolve(path));
      return true;
    } catch (error) {
      return isDenied(error);
    }
  }

  /** Whether it is there and this process may not read it. */
  denied(path: string): boolean {
    if (this.#recording?.denied.includes(path)) return true;
    try {
      closeSync(openSync(this.#resolve(path), constants.O_RDONLY | constants.O_NONBLOCK));
      return false;
    } catch (error) {
      return isDenied(error);
    }
  }

  /** Target of a symbolic link as it is written. */
  link(path: string): string | undefined {
    const recorded = this.#recording?.links[path];
    if (recorded !== undefined) return recorded;
    try {
      return readlinkSync(join(this.#resolve(posix.dirname(path)), posix.basename(path)));
    } catch {
      return undefined;
    }
  }

  /** The path that is left when all its links have been followed, as seen from inside the tree. */
  realPath(path: string): string {
    return this.#follow(path);
  }

  /**
   * A device node. Opening it is what tells: permissions say nothing about a container's device list.
   * @returns undefined when there is no such node
   */
  device(path: string): DeviceNode | undefined {
    const recorded = this.#recording?.devices[path];
    if (recorded) return { path, ...recorded };
    if (!this.live) return undefined;
    try {
      const stat = statSync(path);
      if (!stat.isCharacterDevice()) return undefined;
      const node = { path, mode: `0${(stat.mode & 0o777).toString(8)}`, gid: stat.gid };
      const refused = tryOpen(path);
      return refused === undefined ? node : { ...node, refused };
    } catch {
      return undefined;
    }
  }

  protected bytes(path: string): Buffer | undefined {
    try {
      return readFileSync(this.#resolve(path));
    } catch {
      return undefined;
    }
  }

  /** Names that only the recording knows in a folder. */
  #recorded(folder: string): string[] {
    const { devices = {}, links = {}, denied = [] } = this.#recording ?? {};
    const paths = [...Object.keys(devices), ...Object.keys(links), ...denied];
    const prefix = folder.endsWith('/') ? folder : `${folder}/`;
    return paths
      .filter((path) => path.startsWith(prefix))
      .flatMap((path) => path.slice(prefix.length).split('/')[0] ?? []);
  }

  #resolve(path: string): string {
    return this.live ? path : join(this.root, this.#follow(path));
  }

  /** Links lead to places in the tree, never out of it. */
  #follow(path: string): string {
    let rest = path.split('/').filter((part) => part !== '');
    let at = '/';
    for (let links = 0; rest.length > 0; ) {
      const [part = '', ...after] = rest;
      rest = after;
      if (part === '..') at = posix.dirname(at);
      if (part === '.' || part === '..') continue;
      const here = posix.join(at, part);
      const target = links < mostLinks ? this.#linkAt(here) : undefined;
      if (target === undefined) {
        at = here;
        continue;
      }
      links += 1;
      if (target.startsWith('/')) at = '/';
      rest = [...target.split('/').filter((each) => each !== ''), ...rest];
    }
    return at;
  }

  #linkAt(path: string): string | undefined {
    const recorded = this.#recording?.links[path];
    if (recorded !== undefined) return recorded;
    const file = join(this.root, path);
    try {
      return lstatSync(file).isSymbolicLink() ? readlinkSync(file) : undefined;
    } catch {
      return undefined;
    }
  }
}

function readRecording(root: string): SystemRecording | undefined {
  if (root === '/') return undefined;
  const path = join(root, recordingName);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  return parseRecording(text, path);
}

function tryOpen(path: string): string | undefined {
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function isDenied(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EACCES' || code === 'EPERM';
}
