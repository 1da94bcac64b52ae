import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import captionNode from '../../../nodes/smolvlm-caption/smolvlm-caption';
import engineNode from '../../../nodes/smolvlm-engine/smolvlm-engine';
import visionNode from '../../../nodes/smolvlm-vision/smolvlm-vision';
import type { CaptionProperty } from '../../../src/protocol/caption-property';
import type { FeatureHandle } from '../../../src/protocol/features';
import { demoFrame } from '../../fixtures';
import { type FakeHub, useNatsFake } from '../../nats/nats-fake';

helper.init(require.resolve('node-red'));

type Received = NodeMessage & { features?: FeatureHandle; caption?: CaptionProperty };

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const questions = ['Where is this?', 'Is there a cat?', 'What colour is the truck?'];

describe('one vision node and many questions, with a group of hubs', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  let seen: Received[];
  let captions: Received[];
  before((done) => void helper.startServer(done));
  after((done) => void helper.stopServer(done));
  afterEach(() => helper.unload());

  async function load(): Promise<void> {
    const common = {
      z: 'tab',
      engine: 'e',
      image: 'payload',
      imageType: 'msg',
      camera: 'topic',
      cameraType: 'msg',
    };
    const ids = questions.map((_, index) => `c${index}`);
    const nodes: readonly object[] = [
      { id: 'tab', type: 'tab' },
      { id: 'e', type: 'smolvlm-engine', location: 'group', url: fake().server.url },
      { ...common, id: 'v', type: 'smolvlm-vision', wires: [['seen', ...ids], []] },
      ...questions.map((prompt, index) => ({
        ...{ ...common, id: ids[index], type: 'smolvlm-caption', prompt, promptType: 'template' },
        wires: [['captions'], []],
      })),
      { id: 'seen', type: 'helper', z: 'tab' },
      { id: 'captions', type: 'helper', z: 'tab' },
    ];
    await helper.load([engineNode, visionNode, captionNode] as never, nodes as never);
    [seen, captions] = [[], []];
    helper.getNode('seen').on('input', (message: Received) => void seen.push(message));
    helper.getNode('captions').on('input', (message: Received) => void captions.push(message));
  }

  async function count(messages: readonly Received[], wanted: number): Promise<void> {
    while (messages.length < wanted) await delay(5);
  }

  function done(hubs: readonly FakeHub[]): Promise<number[]> {
    return Promise.all(hubs.map(async ({ engine }) => (await engine.status()).cameras.street?.done ?? 0));
  }

  it('has the hub that encoded the picture answer them, and another encode it again when that one has ended', async () => {
    const hubs = [await fake().hub(), await fake().hub()];
    await load();
    helper.getNode('v').receive({ payload: street, topic: 'street' } as never);
    await count(captions, questions.length);
    assert.deepEqual(captions.map(({ caption }) => caption?.prompt).toSorted(), questions.toSorted());
    const [before = [], features] = [await done(hubs), seen[0]?.features];
    assert.deepEqual(before.toSorted(), [0, 1 + questions.length]);
    const keeper = before[0] === 0 ? 1 : 0;
    await hubs[keeper]?.close();
    helper.getNode('c0').receive({ payload: street, topic: 'street', features } as never);
    await count(captions, questions.length + 1);
    assert.equal(captions.at(-1)?.caption?.text, `1 of ${street.length} bytes: ${questions[0]}`);
    assert.deepEqual(await done(hubs.filter((_, index) => index !== keeper)), [1]);
  });
});
