import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../../src/system/free-port';
import { repositoryRoot } from '../../fixtures';

const program = join(repositoryRoot, 'test', 'mqtt', 'home-assistant', 'home_assistant.py');

/** A line of the program's. */
export interface Reported {
  readonly entity?: string;
  readonly state?: string;
  readonly attributes?: Record<string, unknown>;
  readonly log?: string;
  readonly logger?: string;
  readonly ready?: boolean;
  /** SHA-256 of a picture, hex. */
  readonly image?: string;
  readonly type?: string;
}

/** A real Home Assistant, with its MQTT integration connected to a broker. */
export class TestHomeAssistant {
  readonly reported: Reported[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;
  #said = '';

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => this.reported.push(JSON.parse(line)));
    }
    child.stderr?.on('data', (bytes) => {
      this.#said = `${this.#said}${bytes}`.slice(-2000);
    });
  }

  static async start(
    python: string,
    brokerPort: number,
    protocol: '3.1.1' | '5',
  ): Promise<TestHomeAssistant> {
    const folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-home-assistant-'));
    const args = [program, String(brokerPort), protocol, String(await freePort()), folder];
    const child = spawn(python, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const home = new TestHomeAssistant(child, folder);
    await home.until(({ ready }) => ready === true);
    return home;
  }

  /** Waits for a line, from the n-th that was reported on. */
  async until(wanted: (line: Reported) => boolean, from = 0): Promise<Reported> {
    for (let waited = 0; waited < 120_000 && this.#child.exitCode === null; waited += 20) {
      const found = this.reported.slice(from).find(wanted);
      if (found) return found;
      await delay(20);
    }
    return assert.fail(`${this.reported.map((line) => JSON.stringify(line)).join('\n')}\n${this.#said}`);
  }

  async entity(id: string, state: (state: string) => boolean, from = 0): Promise<Reported> {
    return this.until((line) => line.entity === id && state(line.state ?? ''), from);
  }

  tell(command: { readonly press?: string; readonly image?: string }): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** Warnings and errors of its MQTT integration. */
  complaints(): string[] {
    return this.reported.flatMap(({ log, logger }) =>
      logger?.startsWith('homeassistant.components.mqtt') ? (log ?? '') : [],
    );
  }

  async close(): Promise<void> {
    const exited = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined;
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(timer);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
