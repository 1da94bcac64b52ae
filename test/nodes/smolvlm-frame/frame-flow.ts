import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import frameNode from '../../../nodes/smolvlm-frame/smolvlm-frame';
import { demoFrame } from '../../fixtures';
import { catchNode, collectStatuses, completeNode, onMessage } from '../flow-parts';

export type Received = NodeMessage & {
  payload?: unknown;
  camera?: string;
  frame?: Record<string, unknown>;
  error?: { code?: string; message: string };
};

const types = [frameNode, catchNode, completeNode] as never;
export const street = readFileSync(demoFrame('frame_09_street_day.jpg'));

/** A flow with one frame node, in the Node-RED of a suite; what leaves it is collected. */
export class FrameFlow {
  received: { frames: Received[]; held: Received[]; errors: Received[] } = {
    frames: [],
    held: [],
    errors: [],
  };
  completed: Received[] = [];
  statuses: string[] = [];

  /** Call it inside the suite. */
  constructor() {
    before((done) => void helper.startServer(done));
    after((done) => void helper.stopServer(() => done()));
    afterEach(() => helper.unload());
  }

  async load(dialog: object = {}, credentials: object = {}): Promise<void> {
    this.received = { frames: [], held: [], errors: [] };
    this.completed = [];
    this.statuses = [];
    const flow = [
      { id: 'tab', type: 'tab' },
      {
        ...{
          id: 'f',
          z: 'tab',
          type: 'smolvlm-frame',
          source: 'message',
          camera: 'topic',
          cameraType: 'msg',
        },
        ...{ x: 1, y: 1, image: 'payload', imageType: 'msg', wires: [['frames'], ['held']] },
        ...dialog,
      },
      { id: 'catch', x: 1, y: 1, z: 'tab', type: 'catch', scope: ['f'], wires: [['errors']] },
      { id: 'complete', x: 1, y: 1, z: 'tab', type: 'complete', scope: ['f'], wires: [['completed']] },
      ...['frames', 'held', 'errors', 'completed'].map((id) => ({ id, z: 'tab', type: 'helper' })),
    ];
    await helper.load(types, flow as never, { f: credentials } as never);
    const { received, completed } = this;
    for (const id of ['frames', 'held', 'errors'] as const) {
      onMessage<Received>(id, (message) => void received[id].push(message));
    }
    onMessage<Received>('completed', (message) => void completed.push(message));
    collectStatuses('f', this.statuses);
  }

  send(message: object): void {
    (helper.getNode('f') as unknown as { receive(message: object): void }).receive(message);
  }
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}
