import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Debian's folder for it is not on every path. */
const program =
  process.env.NATS_SERVER ??
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
    .map((folder) => join(folder, 'nats-server'))
    .find((path) => existsSync(path));

/** Whether nats-server is installed; tests that need it are skipped otherwise. */
export const hasNatsServer = program !== undefined;

export interface NatsServerOptions {
  readonly jetstream?: boolean;
  /** More lines of its configuration. */
  readonly config?: string;
}

/** A nats-server of a test, on this machine only. */
export class TestNats {
  readonly #folder = mkdtempSync(join(tmpdir(), 'smolvlm-nats-'));
  readonly #port: number;
  readonly #options: NatsServerOptions;
  #server: ChildProcess | undefined;

  private constructor(port: number, options: NatsServerOptions) {
    this.#port = port;
    this.#options = options;
  }

  static async start(options: NatsServerOptions = {}): Promise<TestNats> {
    const server = new TestNats(await freePort(), options);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const { jetstream = true, config = '' } = this.#options;
    const file = join(this.#folder, 'server.conf');
    const store = jetstream ? `jetstream { store_dir: "${join(this.#folder, 'store')}" }` : '';
    writeFileSync(file, `listen: "127.0.0.1:${this.#port}"\n${store}\n${config}\n`);
    const server = spawn(program ?? 'nats-server', ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#server = server;
    let log = '';
    await new Promise<void>((resolve, reject) => {
      server.stderr?.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('Server is ready')) resolve();
      });
      server.once('exit', () => reject(new Error(`nats-server ended: ${log}`)));
    });
  }

  /** Ends it as a power cut does; its store stays. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server?.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    await this.kill();
    // Its last writes may still arrive.
    await delay(10);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
