import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import captionNode from '../../../nodes/smolvlm-caption/smolvlm-caption';
import engineNode from '../../../nodes/smolvlm-engine/smolvlm-engine';
import { EngineClient } from '../../../src/client/engine-client';
import { isAlive } from '../../client/local-fake';
import { setEnvironment } from '../../environment';
import { catchNode, collectStatuses, localEngine, onMessage } from '../flow-parts';
import { statusShown } from '../status-shown';

export type Received = NodeMessage & {
  caption?: Record<string, unknown>;
  error?: { code?: string; message: string };
  keep?: string;
};

/** Of the running test. */
const flows = new Set<CaptionFlow>();

const types = [engineNode, captionNode, catchNode] as never;

/** A flow with one caption node; messages of its outputs and its errors are collected. */
export class CaptionFlow {
  readonly captions: Received[] = [];
  readonly dropped: Received[] = [];
  readonly pieces: Received[] = [];
  readonly errors: Received[] = [];
  readonly statuses: string[] = [];
  #ended = 0;
  /** So many had to end; unknown once another message was sent. */
  #expected: number | undefined;
  #last: Received | undefined;
  #onEnd = (): void => {};

  async load(caption: object = {}, engine: object = {}): Promise<void> {
    flows.add(this);
    const flow = [
      { id: 'tab', type: 'tab' },
      localEngine(engine),
      {
        id: 'c',
        x: 1,
        y: 1,
        z: 'tab',
        type: 'smolvlm-caption',
        engine: 'e',
        image: 'payload',
        imageType: 'msg',
        prompt: '',
        promptType: 'template',
        camera: '',
        cameraType: 'str',
        ...caption,
        wires: [['ok'], ['no'], ['words']],
      },
      { id: 'ok', x: 1, y: 1, z: 'tab', type: 'helper' },
      { id: 'no', x: 1, y: 1, z: 'tab', type: 'helper' },
      { id: 'words', x: 1, y: 1, z: 'tab', type: 'helper' },
      { id: 'failures', x: 1, y: 1, z: 'tab', type: 'catch', scope: ['c'], wires: [['bad']] },
      { id: 'bad', x: 1, y: 1, z: 'tab', type: 'helper' },
    ];
    await helper.load(types, flow);
    const collect = (id: string, into: Received[]): void => {
      onMessage<Received>(id, (message) => {
        into.push(message);
        this.#last = message;
        this.#ended += 1;
        this.#onEnd();
      });
    };
    collect('ok', this.captions);
    collect('no', this.dropped);
    collect('bad', this.errors);
    onMessage<Received>('words', (message) => void this.pieces.push(message));
    collectStatuses('c', this.statuses);
  }

  send(message: object): void {
    this.#expected = undefined;
    helper.getNode('c').receive(message as NodeMessage);
  }

  async unload(): Promise<void> {
    await helper.unload();
    this.assertEnded();
  }

  /** Waits until so many messages have left; `assertEnded` tells of one too many, however late. */
  async ended(count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onEnd = () => {
        if (this.#ended >= count) resolve();
      };
      this.#onEnd();
    });
    this.#expected = count;
    // What leaves at once leaves before this.
    await new Promise((resolve) => setImmediate(resolve));
    this.assertEnded();
  }

  assertEnded(): void {
    if (this.#expected !== undefined)
      assert.equal(this.#ended, this.#expected, 'every message ends exactly once');
  }

  /** Waits for a status; changes in quick succession are shown later. */
  status(pattern: RegExp): Promise<void> {
    return statusShown(this.statuses, pattern);
  }

  async ask(message: object): Promise<Received> {
    const before = this.#ended;
    this.send(message);
    await this.ended(before + 1);
    return this.#last as Received;
  }
}

/** A separate Node-RED and engine for the tests of a suite; call it inside the suite. */
export class CaptionRuntime {
  #folder = '';
  #restore = (): void => {};

  constructor() {
    before(async () => {
      this.#folder = await mkdtemp(join(tmpdir(), 'smolvlm-node-'));
      this.#restore = setEnvironment({ SMOLVLM_RUNTIME_DIR: this.#folder });
      await new Promise<void>((resolve) => helper.startServer(resolve));
    });
    after(async () => {
      await this.#stopEngine();
      this.#restore();
      await rm(this.#folder, { recursive: true, force: true });
      await new Promise<void>((resolve) => helper.stopServer(resolve));
    });
    afterEach(async () => {
      await helper.unload();
      const ended = [...flows];
      flows.clear();
      for (const flow of ended) flow.assertEnded();
    });
  }

  async enginePid(): Promise<number> {
    const client = new EngineClient({ kind: 'local' }, { local: { directory: this.#folder } });
    const { pid } = await client.status();
    await client.close();
    return pid;
  }

  /** Resolves when the engine works on a request of this flow, or has answered one. */
  async working({ captions }: CaptionFlow): Promise<void> {
    const { length } = captions;
    const isRunning = async (): Promise<boolean> =>
      Object.values((await client.status()).cameras).some(({ running }) => running > 0);
    const client = new EngineClient({ kind: 'local' }, { local: { directory: this.#folder } });
    while (captions.length === length && !(await isRunning())) await delay(1);
    await client.close();
  }

  async #stopEngine(): Promise<void> {
    const pid = await this.enginePid();
    process.kill(pid, 'SIGTERM');
    await untilEnded(pid);
  }
}

/** Waits until an engine has ended: it closes its socket first, and writes into its folders until then. */
export async function untilEnded(pid: number): Promise<void> {
  while (isAlive(pid)) await delay(20);
}
