// A real Node-RED with two caption nodes, a broker that can be stopped, and a local engine, each in its own folder.
// Every message is counted inside Node-RED, by a TCP connection, so that a lost broker cannot hide one.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { startBroker } from '../demo/broker.mjs';
import { stopEngine } from '../demo/engine.mjs';
import { freePort, startNodeRed } from '../demo/node-red.mjs';
import { withComment } from '../soak/cameras.mjs';

export const cameras = ['driveway', 'porch', 'garden', 'street'];

export class World {
  /** Messages by what happened to them: `{in, caption, dropped: {reason: count}, error: {code: count}}`. */
  counts = { in: 0, caption: 0, dropped: {}, error: {} };
  folder;
  runtime;
  cache;
  #closing = [];
  #broker;
  #brokerPort;
  #frames;
  #sent = 0;

  /** @param options.environment added to Node-RED's, and so the engine's */
  static async open({ root, log, environment = {}, engine = {} }) {
    const world = new World();
    try {
      await world.#start(root, log, environment, engine);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async #start(root, log, environment, engine) {
    this.folder = mkdtempSync(join(tmpdir(), 'smolvlm-reliability-'));
    this.#closing.push(() => rmSync(this.folder, { recursive: true, force: true }));
    this.runtime = environment.SMOLVLM_RUNTIME_DIR ?? join(this.folder, 'run');
    this.cache = environment.SMOLVLM_CACHE ?? join(this.folder, 'cache');
    const frames = join(root, 'models', 'demo-frames');
    this.#frames = readdirSync(frames)
      .filter((name) => name.endsWith('.jpg'))
      .map((name) => readFileSync(join(frames, name)));
    this.#brokerPort = await freePort(0);
    await this.startBroker();
    this.#closing.push(() => this.stopBroker());
    const counterPort = await this.#startCounter();
    const userDir = join(this.folder, 'node-red');
    mkdirSync(userDir, { recursive: true });
    const flows = join(this.folder, 'flows.json');
    writeFileSync(flows, JSON.stringify(flow(this.#brokerPort, counterPort, engine)));
    const subscribed = this.#broker.subscribed('cameras/+/frame');
    const nodeRed = await startNodeRed({
      root,
      folder: userDir,
      port: await freePort(0),
      flows,
      broker: this.#brokerPort,
      environment: { SMOLVLM_RUNTIME_DIR: this.runtime, SMOLVLM_CACHE: this.cache, ...environment },
      log,
    });
    this.#closing.push(async () => {
      await nodeRed.stop();
      for (const pid of this.enginePids()) signal(pid, 'SIGCONT');
      await stopEngine(this.runtime);
      for (const pid of this.enginePids()) signal(pid, 'SIGKILL');
    });
    await Promise.race([
      subscribed,
      nodeRed.exited.then(([code]) => Promise.reject(new Error(`Node-RED ended with ${code}`))),
    ]);
  }

  async startBroker() {
    this.#broker = await startBroker(this.#brokerPort);
  }

  async stopBroker() {
    await this.#broker?.close();
    this.#broker = undefined;
  }

  /** Resolves when Node-RED has subscribed again. Call it before the broker can be reached. */
  async restartBroker() {
    await this.startBroker();
    await this.#broker.subscribed('cameras/+/frame');
  }

  /** Publishes one frame; no two have the same bytes. */
  async send(camera) {
    const frame = this.#frames[this.#sent % this.#frames.length];
    this.#sent += 1;
    await this.#broker?.publish(`cameras/${camera}/frame`, withComment(frame, `${camera} ${this.#sent}`));
  }

  get out() {
    const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
    return this.counts.caption + sum(this.counts.dropped) + sum(this.counts.error);
  }

  /** Waits until every message that reached the caption node has left it. @returns whether all did */
  async settled(limitMs = 120_000) {
    for (let waited = 0; waited < limitMs; waited += 100) {
      if (this.out >= this.counts.in) return true;
      await delay(100);
    }
    return false;
  }

  /** Processes of this world's engine, found by the socket in their command line. */
  enginePids() {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        const args = commandLine(pid);
        return args.includes('serve') && args.some((arg) => arg.startsWith(this.runtime));
      })
      .map(Number);
  }

  async close() {
    for (const close of this.#closing.reverse()) await close();
    this.#closing = [];
  }

  async #startCounter() {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      createInterface({ input: socket }).on('line', (line) => this.#count(JSON.parse(line)));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#closing.push(
      () =>
        new Promise((resolve) => {
          server.close(resolve);
          server.unref();
          resolve();
        }),
    );
    return server.address().port;
  }

  #count({ kind, reason }) {
    if (kind === 'in' || kind === 'caption') this.counts[kind] += 1;
    else this.counts[kind][reason] = (this.counts[kind][reason] ?? 0) + 1;
  }
}

export function signal(pid, name) {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function flow(brokerPort, counterPort, engine) {
  const node = (id, type, fields, ...wires) => ({ id, type, z: 'tab', x: 1, y: 1, ...fields, wires });
  const set = (expression) => ({
    rules: [{ t: 'set', p: 'payload', pt: 'msg', to: `$string(${expression}) & "\\n"`, tot: 'jsonata' }],
  });
  return [
    { id: 'tab', type: 'tab', label: 'reliability' },
    {
      id: 'broker',
      type: 'mqtt-broker',
      broker: '127.0.0.1',
      port: `${brokerPort}`,
      autoConnect: true,
      protocolVersion: '4',
      keepalive: '60',
      cleansession: true,
    },
    {
      id: 'engine',
      type: 'smolvlm-engine',
      location: 'local',
      model: 'demo',
      backend: 'cpu',
      queuePolicy: 'newest',
      queueCapacity: '1',
      idle: '60',
      recentFrames: '0',
      ...engine,
    },
    node('in', 'mqtt in', { topic: 'cameras/+/frame', qos: '1', datatype: 'buffer', broker: 'broker' }, [
      'caption',
      'counted',
    ]),
    node(
      'caption',
      'smolvlm-caption',
      {
        engine: 'engine',
        preset: 'ask',
        image: 'payload',
        imageType: 'msg',
        prompt: 'Describe this image.',
        promptType: 'template',
        camera: '$split(topic, "/")[1]',
        cameraType: 'jsonata',
        detail: 'low',
        outputs: 2,
      },
      ['captioned'],
      ['dropped'],
    ),
    node('counted', 'change', set('{"kind": "in"}'), ['out']),
    node('captioned', 'change', set('{"kind": "caption"}'), ['out']),
    node('dropped', 'change', set('{"kind": "dropped", "reason": caption.dropped}'), ['out']),
    node('catch', 'catch', { scope: ['caption'], uncaught: false }, ['failed']),
    node('failed', 'change', set('{"kind": "error", "reason": error.code ? error.code : error.message}'), [
      'out',
    ]),
    node('out', 'tcp out', {
      host: '127.0.0.1',
      port: `${counterPort}`,
      beserver: 'client',
      base64: false,
      end: false,
    }),
  ];
}
