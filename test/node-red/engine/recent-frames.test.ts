import assert from 'node:assert/strict';
import { EngineClient } from '../../../src/client/engine-client';
import { RecentFrames } from '../../../src/node-red/engine/recent-frames';
import { RecordingEngine } from '../../../src/node-red/engine/recording-engine';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { serveFake } from '../../server/served-fake';

const picture = Buffer.from('a picture');
/** What the fake engine gives for the small picture that is asked for. */
const final192 = Buffer.from('192').toString('base64');

describe('recent frames of an engine', () => {
  let served: ServedEngine;
  let client: EngineClient;
  before(async () => {
    served = await serveFake();
    client = new EngineClient({ kind: 'remote', url: new URL(served.url ?? '') });
  });
  after(async () => {
    await client.close();
    await served.close();
  });

  it('are the last ones, with camera, caption, time and a thumbnail made by the engine', async () => {
    const recent = new RecentFrames(2);
    const engine = new RecordingEngine(client, recent);
    for (const camera of ['gate', 'porch', 'yard'])
      await engine.describe({ prompt: camera, camera }, [picture]);
    const frames = recent.since(0);
    assert.deepEqual(
      frames.map(({ camera, text, totalMs, tiles }) => ({ camera, text, totalMs, tiles })),
      [
        { camera: 'porch', text: '1 of 9 bytes: porch', totalMs: 4, tiles: 1 },
        { camera: 'yard', text: '1 of 9 bytes: yard', totalMs: 4, tiles: 1 },
      ],
    );
    assert.equal(frames[0]?.thumbnail, Buffer.from('192').toString('base64'));
    const [porch, yard] = frames.map(({ sequence }) => sequence);
    assert.equal(recent.oldestSequence, porch);
    assert.deepEqual(recent.since(porch ?? 0), frames.slice(1));
    assert.deepEqual(recent.since(yard ?? 0), []);
  });

  it('leave the thumbnail out of the answer, which a flow may store', async () => {
    const engine = new RecordingEngine(client, new RecentFrames(2));
    const final = await engine.describe({ prompt: 'x' }, [picture]);
    assert.ok(final.type === 'result' && !('thumbnail' in final.result));
    const wanted = await engine.describe({ prompt: 'x', thumbnailSide: 64 }, [picture]);
    assert.ok(wanted.type === 'result' && wanted.result.thumbnail);
  });

  it('show what failed, and why', async () => {
    const recent = new RecentFrames(2);
    await new RecordingEngine(client, recent).describe({ prompt: 'fail', camera: 'gate' }, [picture]);
    const [frame] = recent.since(0);
    assert.equal(frame?.error?.code, 'image-truncated');
    assert.equal(frame?.camera, 'gate');
  });

  it('request no thumbnail if none is kept', async () => {
    const recent = new RecentFrames(0);
    const final = await new RecordingEngine(client, recent).describe({ prompt: 'x' }, [picture]);
    assert.ok(final.type === 'result' && !('thumbnail' in final.result));
    assert.deepEqual(recent.since(0), []);
  });

  it('show the thumbnail of an encoded frame beside the answers about it', async () => {
    const recent = new RecentFrames(3);
    const engine = new RecordingEngine(client, recent);
    const final = await engine.encode({ camera: 'gate' }, [picture]);
    assert.ok(final.type === 'features');
    assert.equal(final.features.thumbnail, undefined, 'it was not asked for');
    assert.deepEqual(recent.since(0), [], 'no words were said about it');
    await engine.describe({ prompt: 'x', features: final.features.handles.map(({ id }) => id) }, []);
    await engine.describe({ prompt: 'x', features: ['gone'] }, []);
    await engine.encode({ camera: 'fail' }, [picture]);
    const [answered, failed, ...others] = recent.since(0);
    assert.deepEqual([answered?.text, answered?.thumbnail], ['1 of 9 bytes: x', final192]);
    assert.deepEqual([failed?.camera, failed?.error?.code, others], ['fail', 'image-truncated', []]);
  });
});
