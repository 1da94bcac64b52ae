import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setEnvironment } from '../../environment';

/** The clock of processes that a test starts: it advances in those that run when the test says so. */
export class ChildClock {
  readonly #folder = mkdtempSync(join(tmpdir(), 'smolvlm-clock-'));
  readonly #file = join(this.#folder, 'advances');
  readonly #restore: () => void;

  constructor() {
    appendFileSync(this.#file, '');
    this.#restore = setEnvironment({
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${join(__dirname, 'child-clock-preload.js')}`,
      SMOLVLM_TEST_CLOCK: this.#file,
    });
  }

  advance(ms: number): void {
    appendFileSync(this.#file, `${ms}\n`);
  }

  remove(): void {
    this.#restore();
    rmSync(this.#folder, { recursive: true });
  }
}
