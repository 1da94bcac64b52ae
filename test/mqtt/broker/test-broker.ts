import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../../src/system/free-port';

/** A test's own broker, on this machine only. */
export interface TestBroker {
  readonly port: number;
  /** Breaks every connection at once, as a power cut does. */
  cut(): Promise<void>;
  close(): Promise<void>;
}

export interface AedesOptions {
  /** Any when absent. */
  readonly port?: number;
  /** Called for each connection; all are accepted when absent. */
  readonly admit?: (user: string, password: string) => boolean;
  /** Called for each message. The broker closes the connection of a client whose message it does not take. */
  readonly takes?: (topic: string, client: string) => boolean;
  /** Messages that are never acknowledged. */
  readonly holds?: (topic: string) => boolean;
  /** Called for each message and each subscription, in the order of their arrival. */
  readonly onArrival?: (kind: 'publish' | 'subscribe', topic: string) => void;
}

/** The embedded broker: MQTT 3.1.1 only. */
export async function startAedes({
  port: wanted = 0,
  admit,
  takes = () => true,
  holds = () => false,
  onArrival = () => {},
}: AedesOptions = {}): Promise<TestBroker> {
  const { Aedes } = await import('aedes');
  const aedes = await Aedes.createBroker();
  if (admit) {
    aedes.authenticate = (_client, user, password, done) => done(null, admit(String(user), String(password)));
  }
  aedes.authorizePublish = (client, { topic }, done) => {
    onArrival('publish', topic);
    if (!holds(topic)) done(takes(topic, client?.id ?? '') ? null : new Error('refused'));
  };
  aedes.authorizeSubscribe = (_client, subscription, done) => {
    onArrival('subscribe', subscription.topic);
    done(null, subscription);
  };
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

/** Debian's folder for it is not on every path. */
const mosquittoProgram = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  .map((folder) => join(folder, 'mosquitto'))
  .find((path) => existsSync(path));

/** Whether Mosquitto is installed; tests that need it name it and are skipped otherwise. */
export const hasMosquitto = mosquittoProgram !== undefined;

/**
 * A real Mosquitto without persistence. A cut restarts it: its retained messages are gone then.
 * @param options lines of its configuration
 */
export async function startMosquitto(...options: string[]): Promise<TestBroker> {
  if (mosquittoProgram === undefined) throw new Error('mosquitto is not installed');
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-mosquitto-'));
  const config = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    'log_dest none',
    ...options,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn(mosquittoProgram, ['-c', config], { stdio: 'ignore' });
    for (let tries = 0; !(await answers(port)); tries++) {
      if (tries > 3000 || child.exitCode !== null) throw new Error('mosquitto does not start');
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
