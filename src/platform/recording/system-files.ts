import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import { join, posix } from 'node:path';
import { defined } from '../../system/defined';
import { liveProcess } from './process-facts';
import {
  type CpuProducts,
  type ProcessFacts,
  parseRecording,
  type RecordedDevice,
  recordingName,
  type SystemRecording,
} from './system-recording';

/** A device node and whether this process may use it. */
export interface DeviceNode {
  readonly path: string;
  /** Octal permissions, e.g. `0660`. */
  readonly mode: string;
  readonly gid: number;
  /** The group's name; absent when it has none here. */
  readonly group?: string;
  /** Error code of opening it for reading and writing; absent when it opens. */
  readonly refused?: string;
}

/** Linux follows this many links in one path. */
const mostLinks = 40;

/** No record of the kernel's log is longer (`CONSOLE_EXT_LOG_MAX`), and no log buffer usual on a board larger. */
const logRecordBytes = 8192;
const mostLogBytes = 8 * 1024 * 1024;

/**
 * The files of a machine in /sys, /proc, /dev and /etc: of the live machine, or of a recorded one (`recording.json`, a
 * tree of files, or both). No method throws for a file that is absent or cannot be read.
 */
export class SystemFiles {
  /** Of the process that reads them, or that recorded them. */
  readonly process: ProcessFacts;
  /** Recorded, or found out by the doctor. */
  cpuProducts: CpuProducts | undefined;
  readonly #recording: SystemRecording | undefined;
  /** Of a recorded machine, by name: whether the folder is in the tree. */
  readonly #topFolders = new Map<string, boolean>();

  /** @param root folder of the tree @throws SmolvlmError `doctor-recording` for a broken recording */
  constructor(readonly root = '/') {
    this.#recording = readRecording(root);
    this.process = this.#recording?.process ?? liveProcess();
    this.cpuProducts = this.#recording?.cpuProducts;
  }

  /** The machine that this process runs on. */
  get live(): boolean {
    return this.root === '/';
  }

  /** A file's text without blanks and NULs at its ends; undefined when it is absent or cannot be read. */
  text(path: string): string | undefined {
    return this.bytes(path)
      ?.toString('utf8')
      .replace(/^[\s\0]+|[\s\0]+$/g, '');
  }

  /** The first match in a file's bytes, taken as latin-1. @returns undefined also when it cannot be read */
  match(path: string, pattern: RegExp): RegExpExecArray | undefined {
    return pattern.exec(this.bytes(path)?.toString('latin1') ?? '') ?? undefined;
  }

  /** A file's size in bytes; undefined when it is absent or was not recorded. */
  sizeBytes(path: string): number | undefined {
    const real = this.#follow(path);
    if (this.#recordedText(path) !== undefined) return this.#recording?.sizes?.[real];
    try {
      return statSync(this.#resolve(path)).size;
    } catch {
      return undefined;
    }
  }

  /** Names in a folder, sorted; empty when it is absent or cannot be read. */
  names(path: string): readonly string[] {
    const names = this.#recorded(path);
    try {
      for (const name of readdirSync(this.#resolve(path))) names.add(name);
    } catch {}
    return [...names].sort();
  }

  /** Whether a file, folder or device exists. */
  has(path: string): boolean {
    if (this.#recording && (path in this.#recording.devices || this.denied(path))) return true;
    if (this.#recordedText(path) !== undefined || this.#recorded(path).size > 0) return true;
    try {
      statSync(this.#resolve(path));
      return true;
    } catch (error) {
      return isDenied(error);
    }
  }

  /** Whether a file exists and this process may not read it. */
  denied(path: string): boolean {
    if (this.#recording?.denied.includes(path)) return true;
    try {
      closeSync(openSync(this.#resolve(path), constants.O_RDONLY | constants.O_NONBLOCK));
      return false;
    } catch (error) {
      return isDenied(error);
    }
  }

  /** Target of a symbolic link, not resolved. */
  link(path: string): string | undefined {
    const recorded = this.#recording?.links[path];
    if (recorded !== undefined) return recorded;
    try {
      return readlinkSync(join(this.#resolve(posix.dirname(path)), posix.basename(path)));
    } catch {
      return undefined;
    }
  }

  /** The path with all links followed, inside the tree. */
  realPath(path: string): string {
    return this.#follow(path);
  }

  /**
   * A device node. It is opened, because its permissions say nothing about a container's device list.
   * @returns undefined when it does not exist
   */
  device(path: string): DeviceNode | undefined {
    const found = this.#recording ? this.#recording.devices[path] : this.live ? liveDevice(path) : undefined;
    if (!found) return undefined;
    const group = this.#groupName(found.gid);
    return { path, ...found, ...defined({ group }) };
  }

  #groupName(gid: number): string | undefined {
    return this.match('/etc/group', new RegExp(`^([^:\n]+):[^:\n]*:${gid}:`, 'm'))?.[1];
  }

  protected bytes(path: string): Buffer | undefined {
    const recorded = this.#recordedText(path);
    if (recorded !== undefined) return Buffer.from(recorded, 'latin1');
    try {
      return readNow(this.#resolve(path));
    } catch {
      return undefined;
    }
  }

  #recordedText(path: string): string | undefined {
    return this.#recording?.files[this.#follow(path)];
  }

  /** Names in a folder that the recording contains. */
  #recorded(folder: string): Set<string> {
    if (!this.#recording) return new Set();
    const { files, devices, links, denied } = this.#recording;
    const paths = [files, devices, links].flatMap((each) => Object.keys(each)).concat(denied);
    const real = this.#follow(folder);
    const prefix = real === '/' ? real : `${real}/`;
    const names = paths
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length).split('/')[0] ?? '');
    return new Set(names);
  }

  #resolve(path: string): string {
    return this.live ? path : join(this.root, this.#follow(path));
  }

  /** Follows links, which never lead out of the tree. */
  #follow(path: string): string {
    let rest = path.split('/').filter((part) => part !== '');
    let at = '/';
    for (let links = 0; rest.length > 0; ) {
      const [part = '', ...after] = rest;
      rest = after;
      if (part === '..') at = posix.dirname(at);
      if (part === '.' || part === '..') continue;
      const here = posix.join(at, part);
      const target = links < mostLinks ? this.linkAt(here) : undefined;
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

  /** Target of a link on the way to a path. */
  protected linkAt(path: string): string | undefined {
    const recorded = this.#recording?.links[path];
    if (recorded !== undefined) return recorded;
    if (!this.#inTree(path)) return undefined;
    const file = join(this.root, path);
    try {
      return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(file) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whether the tree has a path's first folder at all: most recordings have no tree, and a path many parts. */
  #inTree(path: string): boolean {
    if (this.live) return true;
    const top = path.split('/')[1] ?? '';
    const known = this.#topFolders.get(top);
    if (known !== undefined) return known;
    const found = existsSync(join(this.root, top));
    this.#topFolders.set(top, found);
    return found;
  }
}

/** A file's current bytes. The kernel's log has no end: a plain read would wait for its next record. */
function readNow(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return fstatSync(fd).isCharacterDevice() ? readLog(fd) : readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The records of a log device, which returns one per read. */
function readLog(fd: number): Buffer {
  const records: Buffer[] = [];
  for (let sizeBytes = 0; sizeBytes < mostLogBytes; ) {
    const record = Buffer.alloc(logRecordBytes);
    try {
      const length = readSync(fd, record);
      if (length === 0) break;
      records.push(record.subarray(0, length));
      sizeBytes += length;
    } catch (error) {
      // EPIPE: a record was overwritten before it was read; the next one follows. EAGAIN: there are no more.
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') break;
    }
  }
  return Buffer.concat(records);
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

function liveDevice(path: string): RecordedDevice | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isCharacterDevice()) return undefined;
    const device = { mode: `0${(stat.mode & 0o777).toString(8)}`, gid: stat.gid };
    const refused = tryOpen(path);
    return { ...device, ...defined({ refused }) };
  } catch {
    return undefined;
  }
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
