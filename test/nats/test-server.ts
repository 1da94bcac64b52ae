import { mkdtempSync, rmSync } from 'node:fs';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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

  /**
   * Keeps what its disk holds of a stream now, once that contains a text.
   * @returns gives it back, after `stop`: a server that ends without power may not have written what was removed later
   */
  async keep(stream: string, text: string): Promise<() => Promise<void>> {
    const messages = join(this.#server.store, 'jetstream', '$G', 'streams', stream, 'msgs');
    const kept = join(this.#folder, `kept-${stream}`);
    const isWritten = async (): Promise<boolean> => {
      const files = (await readdir(messages)).filter((name) => name.endsWith('.blk'));
      const contents = await Promise.all(files.map((name) => readFile(join(messages, name), 'latin1')));
      return contents.some((content) => content.includes(text));
    };
    while (!(await isWritten())) await delay(5);
    await cp(messages, kept, { recursive: true });
    return async () => {
      await rm(messages, { recursive: true });
      await cp(kept, messages, { recursive: true });
    };
  }

  /** Ends it as a service manager does; it writes its state first. */
  stop(): Promise<void> {
    return this.#server.stop('SIGTERM');
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
