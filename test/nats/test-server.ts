import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NatsServer, type NatsServerOptions, natsServerProgram } from '../../src/cli/bench/hubs/nats-server';

/** Whether nats-server is installed; tests that need it are skipped otherwise. */
export const hasNatsServer = isInstalled();

export type TestNatsOptions = Pick<NatsServerOptions, 'jetstream' | 'config'>;

/** A nats-server of a test, whose store goes with it. */
export class TestNats {
  readonly #folder: string;
  readonly #server: NatsServer;

  private constructor(folder: string, server: NatsServer) {
    this.#folder = folder;
    this.#server = server;
  }

  static async start(options: TestNatsOptions = {}): Promise<TestNats> {
    const folder = mkdtempSync(join(tmpdir(), 'smolvlm-nats-'));
    return new TestNats(folder, await NatsServer.start({ folder, ...options }));
  }

  get url(): string {
    return this.#server.url;
  }

  /** Starts it again, after `kill`, with the same store. */
  start(): Promise<void> {
    return this.#server.start();
  }

  /** Removes its store, after `kill`, as a new disk does. */
  async wipe(): Promise<void> {
    await rm(this.#server.store, { recursive: true, force: true });
  }

  /** Changes lines of its configuration while it runs. */
  async reload(change: (config: string) => string): Promise<void> {
    const file = join(this.#folder, 'server.conf');
    await writeFile(file, change(await readFile(file, 'utf8')));
    process.kill(this.#server.pid ?? 0, 'SIGHUP');
  }

  /** Ends it as a power cut does; its store stays. */
  kill(): Promise<void> {
    return this.#server.stop('SIGKILL');
  }

  async close(): Promise<void> {
    await this.kill();
    // Its last writes may still arrive.
    await delay(10);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function isInstalled(): boolean {
  try {
    return natsServerProgram() !== '';
  } catch {
    return false;
  }
}
