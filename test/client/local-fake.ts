import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineClient, type EngineClientOptions } from '../../src/client/engine-client';
import type { LocalEngineOptions } from '../../src/client/local-engine';

/** A separate runtime folder and clients of the fake engine that is started in it. */
export class LocalFake {
  readonly directory = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
  readonly #clients: EngineClient[] = [];

  local(more: LocalEngineOptions = {}): LocalEngineOptions {
    const main = join(__dirname, '..', 'engine', 'fake-engine-main.js');
    return { directory: this.directory, command: [process.execPath, main], idleExitSeconds: 0, ...more };
  }

  client(more: LocalEngineOptions = {}, options: EngineClientOptions = {}): EngineClient {
    const client = new EngineClient({ kind: 'local' }, { ...options, local: this.local(more) });
    this.#clients.push(client);
    return client;
  }

  /** Process ids of all engines started here. */
  pids(): number[] {
    const log = join(this.directory, 'engine.log');
    if (!existsSync(log)) return [];
    const starts = readFileSync(log, 'utf8').matchAll(/^engine (\d+) starts$/gm);
    return [...starts].map(([, pid]) => Number(pid));
  }

  /** Closes the clients and waits until the engines have ended by themselves. @returns what is left in the folder */
  async close(): Promise<string[]> {
    await Promise.all(this.#clients.map((client) => client.close()));
    while (this.pids().some(isAlive)) await delay(20);
    const left = readdirSync(this.directory).filter((name) => name !== 'engine.log');
    rmSync(this.directory, { recursive: true });
    return left;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
