import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before } from 'mocha';
import { Home } from '../examples/home';
import { demoFrame } from '../fixtures';

export const porch = 'frame_05_porch_day.jpg';
export const picture = readFileSync(demoFrame(porch));

/** A node of a flow file. */
export type Node = Readonly<Record<string, unknown>>;

export const engine = {
  ...{ id: 'engine', type: 'smolvlm-engine', location: 'local', model: 'demo' },
  ...{ queuePolicy: 'newest', queueCapacity: '1', idle: '60' },
};
export const set = (property: string, value: string, valueType = 'msg'): object => ({
  ...{ t: 'set', p: property, pt: 'msg', to: value, tot: valueType },
});
export const httpIn = (to: string, method = 'post'): Node => ({
  ...{ id: 'in', type: 'http in', url: '/ask', method, wires: [[to]] },
});
export const answer: Node = { id: 'answer', type: 'http response', wires: [] };
/** What reaches a catch node, as the answer of its request. */
export const caught: readonly Node[] = [
  { id: 'catch', type: 'catch', scope: null, wires: [['fault']] },
  {
    ...{ id: 'fault', type: 'change', wires: [['answer']] },
    rules: [set('payload', 'error.message'), set('statusCode', '500', 'num')],
  },
];
export const caption = (to: string, more: Node = {}): Node => ({
  ...{ id: 'caption', type: 'smolvlm-caption', engine: 'engine', preset: 'describe', image: 'payload' },
  ...{ imageType: 'msg', outputs: 2, wires: [[to], [to]] },
  ...more,
});
export const frame = (url: string, to: string, more: Node = {}): Node => ({
  ...{ id: 'frame', type: 'smolvlm-frame', name: 'porch', source: 'snapshot', url },
  ...{ unchanged: false, maxSide: '1280', masks: [], zones: [], interval: '', wires: [[to], []] },
  ...more,
});

/** A real Node-RED whose flows are deployed, and asked over HTTP. */
export class CoreNodes {
  private constructor(readonly home: Home) {}

  static async start(): Promise<CoreNodes> {
    const home = await Home.start();
    home.show(porch);
    return new CoreNodes(home);
  }

  /** Deploys these nodes on one tab. @param type of the deployment */
  deploy(nodes: readonly Node[], type?: 'nodes' | 'flows' | 'full', used = engine): Promise<void> {
    const placed = nodes.map((node) => ('z' in node ? node : { z: 'tab', x: 1, y: 1, ...node }));
    return this.home.nodeRed.deploy([{ id: 'tab', type: 'tab', label: 'case' }, used, ...placed], type);
  }

  /** @returns status and text of the answer */
  async ask(body?: Buffer<ArrayBuffer> | string, path = 'ask'): Promise<[number, string]> {
    const response = await fetch(`${this.home.nodeRed.url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': typeof body === 'string' ? 'application/json' : 'image/jpeg' },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(120_000),
    });
    return [response.status, await response.text()];
  }
}

/** Starts it before a suite and ends it after it. To be called in the suite's body. */
export function useCoreNodes(): Pick<CoreNodes, 'home' | 'deploy' | 'ask'> {
  let red: CoreNodes | undefined;
  const started = (): CoreNodes => red ?? assert.fail('Node-RED has not started');
  before(async () => {
    red = await CoreNodes.start();
  });
  after(() => red?.home.close());
  return {
    get home() {
      return started().home;
    },
    deploy: (...given) => started().deploy(...given),
    ask: (...given) => started().ask(...given),
  };
}
