import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Holds the fake captioner's work on a frame until the test opens it, in whichever process or thread that is. */
export class Gate {
  readonly #folder = mkdtempSync(join(tmpdir(), 'smolvlm-gate-'));
  readonly #file = join(this.#folder, 'open');

  /** The prompt, or camera, of the frame. */
  readonly prompt = `until ${this.#file}`;

  open(): void {
    writeFileSync(this.#file, '');
  }

  /** After the test. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A gate for each test of a suite. To be called in its body. */
export function useGate(): () => Gate {
  let gate: Gate;
  beforeEach(() => {
    gate = new Gate();
  });
  afterEach(() => gate.remove());
  return () => gate;
}
