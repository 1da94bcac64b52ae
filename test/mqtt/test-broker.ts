import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A broker of a test's own, on this machine only. */
export interface TestBroker {
  readonly port: number;
  /** Breaks every connection at once, as a power cut does. */
  cut(): Promise<void>;
  close(): Promise<void>;
}

export interface AedesOptions {
  /** Any when absent. */
  readonly port?: number;
  /** Asked for each connection; all are let in when absent. */
  readonly admit?: (user: string, password: string) => boolean;
}

/** The embedded broker: MQTT 3.1.1 only. */
export async function startAedes({ port: wanted = 0, admit }: AedesOptions = {}): Promise<TestBroker> {
  const { Aedes } = await import('aedes');
  const aedes = await Aedes.createBroker();
  if (admit) {
    aedes.authenticate = (_client, user, password, done) => done(null, admit(String(user), String(password)));
  }
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  const port = await listen(server, wanted);
  const cut = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    cut,
    close: async () => {
      await new Promise<void>((resolve) => aedes.close(resolve));
      await cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Where Debian puts it is not on everybody's path. */
const mosquittoProgram = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  .map((folder) => join(folder, 'mosquitto'))
  .find((path) => existsSync(path));

/** Whether Mosquitto is installed; tests that need it name it and are skipped otherwise. */
export const hasMosquitto = mosquittoProgram !== undefined;

/** A real Mosquitto that keeps nothing. A cut restarts it: its retained messages are gone then. */
export async function startMosquitto(): Promise<TestBroker> {
  if (mosquittoProgram === undefined) throw new Error('mosquitto is not installed');
  const probe = createServer();
  const port = await listen(probe);
  await new Promise((resolve) => probe.close(resolve));
  const folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-mosquitto-'));
  const config = join(folder, 'mosquitto.conf');
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'persistence false', 'log_dest none'];
  writeFileSync(config, `${lines.join('\n')}\n`);
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn(mosquittoProgram, ['-c', config], { stdio: 'ignore' });
    for (let tries = 0; !(await answers(port)); tries++) {
      if (tries > 200 || child.exitCode !== null) throw new Error('mosquitto does not start');
      await delay(20);
    }
  };
  const kill = async (): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  await start();
  return {
    port,
    cut: async () => {
      await kill();
      await start();
    },
    close: async () => {
      await kill();
      rmSync(folder, { recursive: true });
    },
  };
}

async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
