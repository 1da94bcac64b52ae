import { defined } from '../../system/defined';
import { SystemFiles } from './system-files';
import type { RecordedDevice, SystemRecording } from './system-recording';

/** Of other programs' open files only NPU devices are recorded. */
const recordedTarget = /^\/dev\/(dri|accel|rknpu)/;

/**
 * Records what is read from a machine, so that reading the recording elsewhere gives the same results. Of files that
 * are searched only the matches are recorded: no program's arguments, no users, no log.
 */
export class SystemRecorder extends SystemFiles {
  readonly #files = new Map<string, string>();
  readonly #devices = new Map<string, RecordedDevice>();
  readonly #links = new Map<string, string>();
  readonly #denied = new Set<string>();
  readonly #sizes = new Map<string, number>();

  /** All that was read so far. */
  get recording(): SystemRecording {
    return {
      process: this.process,
      devices: Object.fromEntries(this.#devices),
      links: Object.fromEntries(this.#links),
      denied: [...this.#denied].sort(),
      files: Object.fromEntries([...this.#files].sort(([a], [b]) => (a < b ? -1 : 1))),
      ...defined({ cpuProducts: this.cpuProducts }),
      ...(this.#sizes.size > 0 && { sizes: Object.fromEntries(this.#sizes) }),
    };
  }

  override text(path: string): string | undefined {
    const text = super.text(path);
    if (text !== undefined) this.#files.set(this.realPath(path), Buffer.from(text).toString('latin1'));
    return text;
  }

  override match(path: string, pattern: RegExp): RegExpExecArray | undefined {
    const match = super.match(path, pattern);
    if (match) this.#add(path, match[0]);
    return match;
  }

  override sizeBytes(path: string): number | undefined {
    const size = super.sizeBytes(path);
    if (size !== undefined) this.#sizes.set(this.realPath(path), size);
    return size;
  }

  /** Records the folders of NPUs, which are recognised by name alone; other files are recorded when they are read. */
  override names(path: string): readonly string[] {
    const names = super.names(path);
    for (const name of names.filter((each) => /^npu@|\.npu$/.test(each))) this.#mark(`${path}/${name}`);
    return names;
  }

  override has(path: string): boolean {
    const has = super.has(path);
    if (has) this.#mark(path);
    return has;
  }

  override denied(path: string): boolean {
    const denied = super.denied(path);
    if (denied) this.#denied.add(path);
    return denied;
  }

  override link(path: string): string | undefined {
    const target = super.link(path);
    if (target !== undefined && (!path.includes('/fd/') || recordedTarget.test(target))) {
      this.#links.set(path, target);
    }
    return target;
  }

  override device(path: string): ReturnType<SystemFiles['device']> {
    const device = super.device(path);
    if (device) {
      const { mode, gid, refused } = device;
      this.#devices.set(path, { mode, gid, ...defined({ refused }) });
    }
    return device;
  }

  protected override linkAt(path: string): string | undefined {
    const target = super.linkAt(path);
    if (target !== undefined) this.#links.set(path, target);
    return target;
  }

  /** Records that a file exists; its content is recorded when it is read. */
  #mark(path: string): void {
    this.#add(path, '');
  }

  /** Matches in a file are recorded on separate lines, in the order of the searches. */
  #add(path: string, piece: string): void {
    const real = this.realPath(path);
    const before = this.#files.get(real);
    if (before === undefined || before === '') this.#files.set(real, piece);
    else if (!before.includes(piece)) this.#files.set(real, `${before}\n${piece}`);
  }
}
