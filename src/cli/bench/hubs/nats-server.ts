import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { SmolvlmError } from '../../../errors';
import { makeFolder } from '../../../system/files/make-folder';
import { freePort } from '../../../system/free-port';

export interface NatsServerOptions {
  /** For its configuration and its store, which stay. */
  readonly folder: string;
  /** More lines of its configuration. */
  readonly config?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Default: true. */
  readonly jetstream?: boolean;
}

/** A nats-server in its own process, on loopback. */
export class NatsServer {
  readonly port: number;
  readonly folder: string;
  readonly #program: string;
  readonly #file: string;
  #process: ChildProcess | undefined;

  private constructor(program: string, folder: string, port: number) {
    this.#program = program;
    this.folder = folder;
    this.port = port;
    this.#file = join(folder, 'server.conf');
  }

  /** @throws SmolvlmError `bench-nats-server` */
  static async start({
    folder,
    config = '',
    port,
    jetstream = true,
  }: NatsServerOptions): Promise<NatsServer> {
    const program = natsServerProgram();
    await makeFolder(folder);
    const server = new NatsServer(program, folder, port ?? (await freePort()));
    const lines = [
      `listen: "127.0.0.1:${server.port}"`,
      jetstream ? `jetstream { store_dir: ${JSON.stringify(server.store)} }` : '',
      config,
    ];
    await writeFile(server.#file, lines.join('\n'));
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get store(): string {
    return join(this.folder, 'store');
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts it again with the same store. @throws SmolvlmError `bench-nats-server` */
  async start(): Promise<void> {
    const server = spawn(this.#program, ['-c', this.#file], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = server;
    let log = '';
    await new Promise<void>((resolve, reject) => {
      server.stderr?.setEncoding('utf8').on('data', (text: string) => {
        log = `${log}${text}`.slice(-10_000);
        if (log.includes('Server is ready')) resolve();
      });
      const failed = (reason: string): void =>
        reject(new SmolvlmError('bench-nats-server', `${this.#program} did not start: ${reason}`));
      server.once('error', (error) => failed(error.message));
      server.once('exit', () => failed(log));
    });
  }

  /** @param signal `SIGKILL` ends it as a power cut does */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const server = this.#process;
    if (server?.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  }
}

/** Path of nats-server: `NATS_SERVER`, or on the path. @throws SmolvlmError `bench-nats-server` */
export function natsServerProgram(environment: NodeJS.ProcessEnv = process.env): string {
  const { NATS_SERVER: chosen, PATH = '' } = environment;
  // Debian's folder for it is not on every path.
  const folders = [...PATH.split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const program = chosen ?? folders.map((folder) => join(folder, 'nats-server')).find(existsSync);
  if (program !== undefined) return program;
  throw new SmolvlmError('bench-nats-server', 'nats-server is not installed', {
    hint: 'Install it, for example with sudo apt install nats-server, or name the program in NATS_SERVER.',
  });
}
