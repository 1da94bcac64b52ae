import { type ErrorBody, SmolvlmError } from '../../errors';
import { describeNpuUser, NpuNeighbours } from '../../platform/npu/npu-neighbours';
import type { NpuUser } from '../../platform/npu/npu-users';
import type { NpuSharing } from '../../protocol/describe-request';

/** Whether the NPU is used while other programs use it. */
export class NpuSharingRule {
  readonly choice: NpuSharing;
  readonly #neighbours: Pick<NpuNeighbours, 'users'>;

  constructor(choice: NpuSharing, neighbours: Pick<NpuNeighbours, 'users'> = new NpuNeighbours()) {
    this.choice = choice;
    this.#neighbours = neighbours;
  }

  /** Descriptions of the other programs; empty while there are none. */
  get sharedWith(): readonly string[] {
    return this.#neighbours.users.map(describeNpuUser);
  }

  /** Why the CPU is used instead at the moment. */
  get useCpu(): ErrorBody | undefined {
    return this.choice === 'cpu' ? this.#inUse() : undefined;
  }

  /** @throws SmolvlmError `npu-shared` when the request is refused, or when it may not use the CPU instead */
  check(cpuAllowed: boolean): void {
    if (this.choice === 'share' || (this.choice === 'cpu' && cpuAllowed)) return;
    const found = this.#inUse();
    if (found) throw new SmolvlmError(found.code, found.message, { hint: found.hint });
  }

  #inUse(): ErrorBody | undefined {
    const { users } = this.#neighbours;
    if (users.length === 0) return undefined;
    return { code: 'npu-shared', message: `the NPU is in use by ${list(users)}`, hint: sharingHint };
  }
}

function list(users: readonly NpuUser[]): string {
  return users.map(describeNpuUser).join(', ');
}

const sharingHint =
  'Stop the other program, or choose “NPU in use” in the engine node (SMOLVLM_NPU_SHARING): share, cpu or refuse.';
