import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { EngineClient } from '../../src/client/engine-client';
import { demoFrame, repositoryRoot } from '../fixtures';
import { NodeRedProcess, type NodeRedProgram } from '../package/node-red-process';

/** What reached the phone's address. */
export interface Notification {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface ExampleNode {
  readonly id: string;
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Most time for anything that a test waits for, on a machine with other work. */
const waitMs = 120_000;

/** What the demo model says of a shipped frame. */
export function expectedCaption(frame: string, prompt = 'Describe this image.'): string {
  const all: { frame: string; prompt: string; text: string }[] = JSON.parse(
    readFileSync(demoFrame('expected.json'), 'utf8'),
  );
  const found = all.find((each) => each.frame === frame && each.prompt === prompt);
  assert.ok(found, `${frame}: ${prompt}`);
  return found.text;
}

/** A home for the examples: a real Node-RED with this package and its engine, cameras, and a phone. */
export class Home {
  /** What each camera shows, by the path of its address; without one it answers 500. */
  readonly pictures = new Map<string, Buffer>();
  readonly notifications: Notification[] = [];
  phoneStatus = 200;
  readonly #folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-home-'));
  readonly #server: Server;
  #nodeRed: NodeRedProcess | undefined;

  private constructor(
    private readonly program: NodeRedProgram | undefined,
    private readonly settings: object,
  ) {
    this.#server = createServer((request, response) => {
      const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://home');
      if (pathname !== '/phone') {
        const picture = this.pictures.get(pathname);
        response.writeHead(picture ? 200 : 500).end(picture);
        return;
      }
      const { method = '', headers } = request;
      void buffer(request).then((body) => {
        this.notifications.push({ method, query, headers, body });
        response.writeHead(this.phoneStatus).end('{}');
      });
    });
  }

  /**
   * @param program another Node-RED than the one among the development dependencies
   * @param settings of Node-RED, beside those of every test
   */
  static async start(program?: NodeRedProgram, settings: object = {}): Promise<Home> {
    const home = new Home(program, settings);
    await new Promise<void>((resolve) => home.#server.listen(0, '127.0.0.1', resolve));
    const scope = join(home.#folder, 'node-red', 'node_modules', '@rk3588');
    mkdirSync(scope, { recursive: true });
    symlinkSync(repositoryRoot, join(scope, 'node-red-smolvlm'));
    await home.#startNodeRed();
    return home;
  }

  async #startNodeRed(): Promise<void> {
    const red = join(dirname(require.resolve('node-red/package.json')), 'red.js');
    const environment = { SMOLVLM_RUNTIME_DIR: this.#runtime };
    // What a user sets to keep contexts over a restart.
    const more = { contextStorage: { default: { module: 'localfilesystem' } }, ...this.settings };
    const program = this.program ?? { node: process.execPath, red };
    this.#nodeRed = await NodeRedProcess.start(program, join(this.#folder, 'node-red'), environment, more);
  }

  get #runtime(): string {
    return join(this.#folder, 'run');
  }

  get nodeRed(): NodeRedProcess {
    assert.ok(this.#nodeRed);
    return this.#nodeRed;
  }

  /** Address of the cameras and the phone. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The phone as NTFY_URL or HA_NOTIFY_URL. */
  get phone(): string {
    return `${this.url}/phone`;
  }

  /** @param name of a shipped frame, e.g. frame_09_street_day.jpg */
  show(name: string, path = '/snapshot.jpg'): Buffer {
    const picture = readFileSync(demoFrame(name));
    this.pictures.set(path, picture);
    return picture;
  }

  /**
   * Deploys an example as somebody imports it and fills it in.
   * @param environment of its tab
   * @param change what else somebody would change in a node
   */
  async run(
    name: string,
    environment: Readonly<Record<string, string>> = {},
    change: (node: ExampleNode) => object = () => ({}),
  ): Promise<void> {
    const text = readFileSync(join(repositoryRoot, 'examples', `${name}.json`), 'utf8');
    const nodes: ExampleNode[] = JSON.parse(text.replaceAll('http://camera.local', this.url));
    const begin = this.nodeRed.log.length;
    await this.nodeRed.deploy(
      nodes.map((node) => {
        // Debug nodes write into the log too, where a test can read it.
        const shown = node.type === 'debug' ? { console: true } : {};
        return { ...node, ...shown, ...filledIn(node, environment), ...change(node) };
      }),
    );
    assert.doesNotMatch(this.nodeRed.log.slice(begin), /\[error\]|missing types/);
  }

  /** Presses the button of an inject node. */
  async press(id: string): Promise<void> {
    const answer = await fetch(`${this.nodeRed.url}/inject/${id}`, { method: 'POST' });
    assert.equal(answer.status, 200, id);
  }

  async until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    for (const since = Date.now(); !(await holds()); await delay(20)) {
      if (Date.now() - since > waitMs) assert.fail(`${what} does not come; Node-RED:\n${this.nodeRed.log}`);
    }
  }

  /**
   * Waits for a debug node's message.
   * @param from where in the log it may begin
   * @returns what the log says from its label on
   */
  async told(label: string, from = 0): Promise<string> {
    const mark = `[debug:${label}]`;
    await this.until(() => this.nodeRed.log.includes(mark, from), mark);
    await this.until(() => this.nodeRed.log.endsWith('\n'), 'the end of the line');
    return this.nodeRed.log.slice(this.nodeRed.log.indexOf(mark, from) + mark.length);
  }

  /** Waits until the phone has got so many. @returns the last */
  async notified(count: number): Promise<Notification> {
    await this.until(() => this.notifications.length >= count, `notification ${count}`);
    assert.equal(this.notifications.length, count);
    return this.notifications.at(-1) as Notification;
  }

  /** Waits until this machine's engine has answered so many questions about a camera. */
  async answered(camera: string, count: number): Promise<void> {
    await this.#engine((client) =>
      this.until(
        async () => ((await client.status()).cameras[camera]?.done ?? 0) >= count,
        `answer ${count} about ${camera}`,
      ),
    );
  }

  /** How many questions about a camera this machine's engine has answered. */
  async answers(camera: string): Promise<number> {
    return await this.#engine(async (client) => (await client.status()).cameras[camera]?.done ?? 0);
  }

  /** The process of this machine's engine. */
  async enginePid(): Promise<number> {
    return await this.#engine(async (client) => (await client.status()).pid);
  }

  async #engine<T>(ask: (client: EngineClient) => Promise<T>): Promise<T> {
    const client = new EngineClient({ kind: 'local' }, { local: { directory: this.#runtime } });
    try {
      return await ask(client);
    } finally {
      await client.close();
    }
  }

  /** A value of a flow's context. */
  async flowContext(tab: string, key: string): Promise<unknown> {
    const headers = { accept: 'application/json' };
    const answer = await fetch(`${this.nodeRed.url}/context/flow/${tab}/${key}?store=default`, { headers });
    const { msg, format } = (await answer.json()) as { msg: string; format: string };
    return format === 'undefined' ? undefined : JSON.parse(msg);
  }

  async restartNodeRed(): Promise<void> {
    await this.nodeRed.stop();
    await this.#startNodeRed();
  }

  async close(): Promise<void> {
    await this.#nodeRed?.stop();
    const script = pathToFileURL(join(repositoryRoot, 'scripts', 'demo', 'engine.mjs')).href;
    const { stopEngine } = (await import(script)) as { stopEngine(runtime: string): Promise<void> };
    await stopEngine(this.#runtime);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function filledIn({ type, env }: ExampleNode, given: Readonly<Record<string, string>>): object {
  if (type !== 'tab' || !Array.isArray(env)) return {};
  const names = env.map(({ name }: { name: string }) => name);
  assert.deepEqual(
    Object.keys(given).filter((name) => !names.includes(name)),
    [],
    'what is filled in is asked for',
  );
  return { env: env.map((each: { name: string }) => ({ ...each, value: given[each.name] ?? '' })) };
}
