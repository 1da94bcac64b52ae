import { englishText, type FindingPhrase, phrase } from '../../protocol/findings/finding-phrase';
import { SystemFiles } from '../recording/system-files';
import { npuDevices, npuNodePaths } from './npu-devices';
import { type NpuUser, npuUsers } from './npu-users';

/** Reading the open files of all processes takes some milliseconds: the result is used again for this long. */
const freshMs = 5_000;

/** Other programs that use this machine's NPU, such as Frigate's detector. Programs of this package wait for its lock. */
export class NpuNeighbours {
  readonly #files: SystemFiles;
  readonly #now: () => number;
  #readAt = Number.NEGATIVE_INFINITY;
  #found: readonly NpuUser[] = [];

  /** @param now milliseconds, for tests */
  constructor(files = new SystemFiles(), now: () => number = () => performance.now()) {
    this.#files = files;
    this.#now = now;
  }

  /** At most five seconds old. */
  get users(): readonly NpuUser[] {
    if (this.#now() - this.#readAt >= freshMs) {
      this.#found = this.#read();
      this.#readAt = this.#now();
    }
    return this.#found;
  }

  #read(): readonly NpuUser[] {
    const nodes = npuNodePaths(npuDevices(this.#files));
    if (nodes.length === 0) return [];
    const { holder, users } = npuUsers(this.#files, nodes);
    const own = [process.pid, holder?.pid];
    return users.filter(({ pid }) => !own.includes(pid));
  }
}

/** e.g. `process 640 (frigate.detector:rknn)`. */
export function describeNpuUser(user: NpuUser): string {
  return englishText(npuUserPhrase(user));
}

export function npuUserPhrase({ pid, command, likely }: NpuUser): FindingPhrase {
  return phrase(likely ? 'npuUserLikely' : 'npuUser', { pid, command });
}
