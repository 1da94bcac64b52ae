import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import captionNode from '../../../nodes/smolvlm-caption/smolvlm-caption';
import engineNode from '../../../nodes/smolvlm-engine/smolvlm-engine';
import visionNode from '../../../nodes/smolvlm-vision/smolvlm-vision';
import type { CaptionProperty } from '../../../src/protocol/caption-property';
import type { FeatureHandle } from '../../../src/protocol/features';
import type { VisionProperty } from '../../../src/protocol/vision-property';
import { catchNode, collectStatuses, localEngine, onMessage } from '../flow-parts';
import { statusShown } from '../status-shown';

export type Received = NodeMessage & {
  features?: FeatureHandle | FeatureHandle[];
  vision?: VisionProperty & { dropped?: string; reason?: string };
  caption?: CaptionProperty;
  error?: { code?: string; message: string };
  /** Node that it came out of. */
  from?: string;
};

const types = [engineNode, visionNode, captionNode, catchNode] as never;
const place = { x: 1, y: 1, z: 'tab' };

/** A flow of one vision node followed by a caption node for each question; whatever leaves is collected. */
export class VisionFlow {
  readonly seen: Received[] = [];
  readonly dropped: Received[] = [];
  readonly captions: Received[] = [];
  readonly errors: Received[] = [];
  readonly statuses: string[] = [];

  /** @param asked of the caption nodes `c0`, `c1`, … */
  async load(vision: object = {}, engine: object = {}, asked: readonly string[] = []): Promise<void> {
    const common = { ...place, engine: 'e', image: 'payload', imageType: 'msg' };
    const captions = asked.map((prompt, index) => ({
      ...common,
      id: `c${index}`,
      type: 'smolvlm-caption',
      prompt,
      promptType: 'template',
      camera: 'topic',
      cameraType: 'msg',
      wires: [['answers'], ['no']],
    }));
    const nodes: readonly object[] = [
      { id: 'tab', type: 'tab' },
      localEngine(engine),
      {
        ...common,
        id: 'v',
        type: 'smolvlm-vision',
        camera: 'topic',
        cameraType: 'msg',
        ...vision,
        wires: [['ok', ...captions.map(({ id }) => id)], ['no']],
      },
      ...captions,
      ...['ok', 'no', 'answers', 'bad'].map((id) => ({ ...place, id, type: 'helper' })),
      { ...place, id: 'failures', type: 'catch', scope: null, wires: [['bad']] },
    ];
    await helper.load(types, nodes as never);
    onMessage<Received>('ok', (message) => void this.seen.push(message));
    onMessage<Received>('no', (message) => void this.dropped.push(message));
    onMessage<Received>('answers', (message) => void this.captions.push(message));
    onMessage<Received>('bad', (message) => void this.errors.push(message));
    collectStatuses('v', this.statuses);
  }

  send(message: object, to = 'v'): void {
    helper.getNode(to).receive(message as NodeMessage);
  }

  /** Sends a message and waits for what comes out. */
  async through(message: object, into: readonly Received[], to = 'v'): Promise<Received> {
    const before = into.length;
    this.send(message, to);
    await this.count(into, before + 1);
    return into.at(-1) as Received;
  }

  async count(into: readonly Received[], count: number): Promise<void> {
    while (into.length < count) {
      const [error] = this.errors;
      if (error && into !== this.errors) assert.fail(`${error.error?.code}: ${error.error?.message}`);
      await delay(10);
    }
    assert.equal(into.length, count);
  }

  /** Waits for a status; changes in quick succession are shown later. */
  status(pattern: RegExp): Promise<void> {
    return statusShown(this.statuses, pattern);
  }

  /** Waits until so many messages have left in all. */
  async ended(count: number): Promise<void> {
    const all = [this.seen, this.dropped, this.captions, this.errors];
    while (all.reduce((sum, { length }) => sum + length, 0) < count) await delay(10);
  }

  answers(): string[][] {
    return this.captions.map(({ caption }) => [caption?.prompt ?? '', caption?.text ?? '']).sort();
  }
}
