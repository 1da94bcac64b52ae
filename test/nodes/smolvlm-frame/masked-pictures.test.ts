import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import sharp from 'sharp';
import captionNode from '../../../nodes/smolvlm-caption/smolvlm-caption';
import engineNode from '../../../nodes/smolvlm-engine/smolvlm-engine';
import frameNode from '../../../nodes/smolvlm-frame/smolvlm-frame';
import timelineNode from '../../../nodes/smolvlm-timeline/smolvlm-timeline';
import type { TimelineRow } from '../../../src/node-red/timeline/timeline-search';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { openTimeline } from '../../../src/timeline/sqlite/open-timeline';
import { demoFrame } from '../../fixtures';
import { serveFake } from '../../server/served-fake';
import { useTempFolder } from '../../temp-folder';

helper.init(require.resolve('node-red'));

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const leftHalf = [
  [0, 0],
  [0.5, 0],
  [0.5, 1],
  [0, 1],
];

describe('a privacy mask of smolvlm-frame', function () {
  this.timeout(60_000);
  const path = useTempFolder();
  let engine: ServedEngine;

  beforeEach(async () => {
    engine = await serveFake();
    await new Promise<void>((resolve) => helper.startServer(() => resolve()));
  });
  afterEach(async () => {
    await helper.unload();
    await new Promise<void>((resolve) => helper.stopServer(() => resolve()));
    await engine.close();
  });

  it('is painted into the picture and the thumbnail that a timeline keeps of a caption', async () => {
    const place = { x: 1, y: 1, z: 'tab' };
    const fromPayload = { image: 'payload', imageType: 'msg' };
    const flow = [
      { id: 'tab', type: 'tab' },
      { id: 'engine', type: 'smolvlm-engine', location: 'remote', url: engine.url },
      {
        ...{ ...place, ...fromPayload, id: 'frame', type: 'smolvlm-frame', source: 'message' },
        ...{ camera: 'topic', cameraType: 'msg', masks: [leftHalf], zones: [], wires: [['caption'], []] },
      },
      {
        ...{ ...place, ...fromPayload, id: 'caption', type: 'smolvlm-caption', engine: 'engine' },
        ...{ preset: 'describe', camera: 'topic', cameraType: 'msg', outputs: 2, wires: [['timeline'], []] },
      },
      {
        ...{ ...place, id: 'timeline', type: 'smolvlm-timeline', folder: path('timeline') },
        ...{ keep: 'picture', image: 'picture', imageType: 'msg', wires: [['kept'], [], []] },
      },
      { ...place, id: 'kept', type: 'helper' },
    ];
    await helper.load([engineNode, frameNode, captionNode, timelineNode] as never, flow);
    const kept = once(helper.getNode('kept'), 'input') as Promise<[NodeMessage & { entry: TimelineRow }]>;
    // An earlier node has left the picture in the message, without masks.
    const message = { payload: street, picture: street, topic: 'street' };
    helper.getNode('frame').receive(message as NodeMessage);
    const [{ entry }] = await kept;
    assert.deepEqual([entry.camera, entry.hasPicture, entry.hasThumbnail], ['street', true, true]);
    await helper.unload();

    const store = await openTimeline({ folder: path('timeline'), retention: {} });
    try {
      for (const stored of [await store.picture(entry.id), await store.thumbnail(entry.id)]) {
        const { left, right } = await brightestOf(stored ?? assert.fail('nothing is stored'));
        assert.ok(left < 16 && right > 150, `brightest: ${left} on the left, ${right} on the right`);
      }
    } finally {
      await store.close();
    }
  });
});

/** The brightest pixel of each half, without the edge between them, which a JPEG blurs. */
async function brightestOf(picture: Uint8Array): Promise<{ readonly left: number; readonly right: number }> {
  const { data, info } = await sharp(picture).greyscale().raw().toBuffer({ resolveWithObject: true });
  const middle = info.width / 2;
  const brightest = (isIn: (x: number) => boolean): number =>
    data.reduce((most, value, at) => (isIn(at % info.width) ? Math.max(most, value) : most), 0);
  return { left: brightest((x) => x < middle - 8), right: brightest((x) => x > middle + 8) };
}
