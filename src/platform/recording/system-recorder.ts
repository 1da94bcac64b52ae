import { SystemFiles } from './system-files';
import type { RecordedDevice, SystemRecording } from './system-recording';

/** Open files of other programs are nobody's business, but for the devices that are looked for. */
const recordedTarget = /^\/dev\/(dri|accel|rknpu)/;

/**
 * A machine that keeps what was asked of it, so that the same questions get the same answers elsewhere. Of
 * files that are searched it keeps the places found and nothing else: no program's arguments, no users, no log.
 */
export class SystemRecorder extends SystemFiles {
  readonly #files = new Map<string, string>();
  readonly #devices = new Map<string, RecordedDevice>();
  readonly #links = new Map<string, string>();
  readonly #denied = new Set<string>();

  /** What was asked so far, and answered. */
  get recording(): SystemRecording {
    return {
      process: this.process,
      devices: Object.fromEntries(this.#devices),
      links: Object.fromEntries(this.#links),
      denied: [...this.#denied].sort(),
      files: Object.fromEntries([...this.#files].sort(([a], [b]) => (a < b ? -1 : 1))),
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

  /** An NPU is known by its folder's name alone; other names are asked for one by one. */
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
      this.#devices.set(path, { mode, gid, ...(refused === undefined ? {} : { refused }) });
    }
    return device;
  }

  protected override linkAt(path: string): string | undefined {
    const target = super.linkAt(path);
    if (target !== undefined) this.#links.set(path, target);
    return target;
  }

  /** That it is there; its content when that is asked for. */
  #mark(path: string): void {
    this.#add(path, '');
  }

  /** Found pieces of a file stand on lines of their own, in the order they were asked for. */
  #add(path: string, piece: string): void {
    const real = this.realPath(path);
    const before = this.#files.get(real);
    if (before === undefined || before === '') this.#files.set(real, piece);
    else if (!before.includes(piece)) this.#files.set(real, `${before}\n${piece}`);
  }
}
