import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'mocha';
import { repositoryRoot } from '../fixtures';
import { hasStrace, outside, TracedProgram } from './system-calls';

/** The folders of one user, who has nothing else. */
export class TracedUser {
  readonly folder = mkdtempSync(join(tmpdir(), 'smolvlm-user-'));
  readonly output = join(this.folder, 'output');
  readonly runtime = join(this.folder, 'run');
  readonly #cache = join(this.folder, 'cache');
  readonly #temporary = join(this.folder, 'tmp');
  readonly #home = join(this.folder, 'home');
  #programs = 0;

  async make(): Promise<void> {
    for (const folder of [this.output, this.#temporary, this.#home]) await mkdir(folder);
  }

  /** Starts a program in the user's home, with no environment but the user's. @param more variables that the user set */
  start(command: readonly string[], more: NodeJS.ProcessEnv = {}): TracedProgram {
    return new TracedProgram(command, {
      file: join(this.folder, `trace-${this.#programs++}`),
      cwd: this.#home,
      env: {
        PATH: process.env.PATH,
        HOME: this.#home,
        TMPDIR: this.#temporary,
        SMOLVLM_CACHE: this.#cache,
        SMOLVLM_RUNTIME_DIR: this.runtime,
        ...more,
      },
    });
  }

  /** `smolvlm …` */
  smolvlm(...args: readonly string[]): TracedProgram {
    return this.smolvlmWith({}, ...args);
  }

  /** `VARIABLE=value smolvlm …` */
  smolvlmWith(variables: NodeJS.ProcessEnv, ...args: readonly string[]): TracedProgram {
    const main = join(repositoryRoot, 'dist', 'cli', 'main.js');
    return this.start([process.execPath, main, ...args], variables);
  }

  /** @param given addresses that the user named */
  async assertSilent(program: TracedProgram, given: readonly string[] = []): Promise<void> {
    const { addresses, socketFamilies, written } = await program.calls();
    const unknown = addresses.filter((address) => !given.includes(address));
    assert.deepEqual(unknown, [], 'addresses that the user did not give');
    // Netlink is the kernel's own list of network interfaces.
    const families = [
      ...['AF_UNIX', 'AF_NETLINK'],
      ...given.map((address) => (address.startsWith('::') ? 'AF_INET6' : 'AF_INET')),
    ];
    assert.deepEqual(
      socketFamilies.filter((family) => !families.includes(family)),
      [],
    );
    assert.deepEqual(outside(written, [this.output, this.runtime, this.#cache, this.#temporary]), []);
    assert.deepEqual(readdirSync(this.#home, { recursive: true }), []);
    // A trace without system calls proves nothing.
    assert.ok(written.length > 0, program.output);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A user for the tests of a suite, which are skipped where strace is not installed. To be called in the suite's body. */
export function useTracedUser(): () => TracedUser {
  let user: TracedUser | undefined;
  before(async function () {
    if (!hasStrace) this.skip();
    user = new TracedUser();
    await user.make();
  });
  after(() => user?.remove());
  return () => user ?? assert.fail('the suite has not begun');
}
