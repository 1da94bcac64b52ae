import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import captionNode from '../../../nodes/smolvlm-caption/smolvlm-caption';
import engineNode from '../../../nodes/smolvlm-engine/smolvlm-engine';
import visionNode from '../../../nodes/smolvlm-vision/smolvlm-vision';
import { demoFrame } from '../../fixtures';
import { localEngine, onMessage } from '../flow-parts';
import { CaptionRuntime } from './caption-flow';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const asking = ['first', 'second', 'third', 'fourth'];
const encoding = ['low', 'full'];

describe('several nodes about one camera', function () {
  this.timeout(120_000);
  // It is started and stopped by its hooks.
  new CaptionRuntime();

  it('have queues of their own: no question about a frame replaces another one', async () => {
    const node = { z: 'tab', x: 1, y: 1, engine: 'e', camera: 'porch', cameraType: 'str' };
    const flow = [
      { id: 'tab', type: 'tab' },
      localEngine(),
      ...asking.map((id) => ({
        ...node,
        id,
        type: 'smolvlm-caption',
        preset: 'yes-no',
        prompt: 'Is there a cat?',
        wires: [['answered'], ['dropped']],
      })),
      ...encoding.map((id) => ({
        ...node,
        id,
        type: 'smolvlm-vision',
        detail: id,
        wires: [['answered'], ['dropped']],
      })),
      { id: 'answered', z: 'tab', x: 1, y: 1, type: 'helper' },
      { id: 'dropped', z: 'tab', x: 1, y: 1, type: 'helper' },
    ];
    await helper.load([engineNode, captionNode, visionNode] as never, flow);
    const nodes = [...asking, ...encoding];
    const ended: (readonly [output: string, from: string])[] = [];
    await new Promise<void>((resolve) => {
      for (const output of ['answered', 'dropped'])
        onMessage<NodeMessage & { from: string }>(output, ({ from }) => {
          ended.push([output, from]);
          if (ended.length === nodes.length) resolve();
        });
      for (const id of nodes) helper.getNode(id).receive({ payload: street, from: id } as NodeMessage);
    });
    assert.deepEqual(ended.sort(), nodes.map((id) => ['answered', id]).sort());
  });
});
