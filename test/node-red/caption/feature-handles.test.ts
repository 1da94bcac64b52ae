import assert from 'node:assert/strict';
import { describePictures, picturesOf } from '../../../src/node-red/caption/feature-handles';
import type { DescribeFinal } from '../../../src/protocol/events';
import { FakeEngine } from '../../mqtt/fake-engine';

const picture = Buffer.from('a picture');
const handle = {
  engine: 'run 1',
  id: 'a-full',
  frameHash: '00',
  detail: 'full',
  expires: '2999-12-31T00:00:00.000Z',
} as const;
const expired = { ...handle, expires: '2001-01-01T00:00:00.000Z' };
const gone: DescribeFinal = {
  type: 'error',
  id: 'id',
  error: { code: 'features-gone', message: 'not held' },
};

describe('questions about features of a message', () => {
  let engine: FakeEngine;
  let reads: number;
  beforeEach(() => {
    engine = new FakeEngine();
    engine.auto = false;
    reads = 0;
  });

  const read = async (): Promise<Uint8Array[]> => {
    reads += 1;
    return [picture];
  };
  const code = (final: DescribeFinal): string | undefined =>
    final.type === 'error' ? final.error.code : undefined;

  async function ask(features: unknown, from = read): Promise<DescribeFinal> {
    const pictures = await picturesOf(features, from);
    return await describePictures(engine, { prompt: 'x', detail: 'low', camera: 'porch' }, pictures);
  }

  /** Waits for the n-th request. */
  async function asked(count: number): Promise<FakeEngine['asked'][number]> {
    while (engine.asked.length < count) await new Promise((resolve) => setImmediate(resolve));
    return engine.asked[count - 1]!;
  }

  it('are sent with the handle, without reading or sending a picture', async () => {
    const final = ask(handle);
    const { request, pictures, answer } = await asked(1);
    answer('yes');
    assert.deepEqual(request, {
      prompt: 'x',
      camera: 'porch',
      features: ['a-full'],
    });
    assert.deepEqual([pictures.length, reads], [0, 0]);
    assert.equal((await final).type, 'result');
  });

  it('name several pictures in order', async () => {
    void ask([handle, { ...handle, id: 'b-full' }]);
    assert.deepEqual((await asked(1)).request.features, ['a-full', 'b-full']);
  });

  it('are sent again with the picture, in the detail of the handle, when the engine no longer has the features', async () => {
    const final = ask(handle);
    (await asked(1)).end(gone);
    const { request, pictures, answer } = await asked(2);
    answer('yes');
    assert.deepEqual(request, { prompt: 'x', camera: 'porch', detail: 'full' });
    assert.deepEqual(pictures, [picture]);
    assert.equal((await final).type, 'result');
  });

  it('are sent with the picture at once when the handle has expired', async () => {
    void ask([handle, expired]);
    assert.deepEqual((await asked(1)).pictures, [picture]);
  });

  it('pass on any other outcome unchanged', async () => {
    const final = ask(handle);
    const dropped = { type: 'dropped', id: 'id', reason: 'deadline', message: 'late' } as const;
    (await asked(1)).end(dropped);
    assert.deepEqual(await final, dropped);
    assert.equal(reads, 0);
  });

  it('fail with a clear error if there is no picture to read again', async () => {
    const final = ask(handle, () => Promise.reject(new Error('expected a picture, received a caption')));
    (await asked(1)).end(gone);
    const failed = await final;
    assert.equal(code(failed), 'features-gone');
    assert.match(failed.type === 'error' ? failed.error.message : '', /msg\.features .*received a caption$/);
  });

  for (const [what, features] of [
    ['nothing', undefined],
    ['null', null],
    ['an empty array', []],
    ['features of another kind', { type: 'FeatureCollection', features: [] }],
    ['a handle with no date', { ...handle, expires: 'soon' }],
    ['an array with something else in it', [handle, 7]],
  ] as const) {
    it(`are about the picture when msg.features is ${what}`, async () => {
      void ask(features);
      const { request, pictures } = await asked(1);
      assert.deepEqual(pictures, [picture]);
      assert.deepEqual(request, { prompt: 'x', detail: 'low', camera: 'porch' });
    });
  }

  it('keep the total deadline when they are sent twice', async () => {
    const pictures = await picturesOf(handle, read);
    void describePictures(engine, { prompt: 'x', deadlineMs: 600_000 }, pictures);
    const { request, end } = await asked(1);
    assert.equal(request.deadlineMs, 600_000);
    const now = performance.now();
    while (performance.now() < now + 1) await new Promise((resolve) => setImmediate(resolve));
    end(gone);
    const { deadlineMs = 0 } = (await asked(2)).request;
    assert.ok(deadlineMs >= 1 && deadlineMs < 600_000, String(deadlineMs));
  });
});
