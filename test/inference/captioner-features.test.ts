import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { openCaptioner } from '../../src/inference/captioner';
import type { Caption } from '../../src/inference/inference';
import type { Progress } from '../../src/protocol/events';
import { demoFrame } from '../fixtures';
import { ask, hooks, useDemoCaptioner } from './ask-captioner';
import { sharedPictures } from './shared-pictures';

describe('a captioner’s encoded pictures', () => {
  const frame = 'frame_09_street_day.jpg';
  const captioner = useDemoCaptioner();

  it('answers questions about a handle as about the picture, without encoding it again', async () => {
    const questions = ['Describe this image.', 'Is there a cat?', 'Where is this?'];
    for (const detail of ['low', 'full'] as const) {
      const picture = readFileSync(demoFrame(frame));
      const features = await captioner().encode([picture], { id: 'test', detail }, hooks());
      const [handle] = features.handles;
      assert.equal(handle?.detail, detail);
      assert.equal(handle.frameHash, features.frameHash);
      assert.equal(features.backend, 'onnxruntime int8');
      for (const prompt of questions) {
        const request = { id: 'test', prompt, features: [handle.id] };
        const { timingsMs, vision, cached, ...held } = await captioner().describe([], request, hooks());
        assert.deepEqual([timingsMs.vision, vision, cached], [0, undefined, true]);
        const again = await ask(captioner(), frame, { prompt, detail });
        for (const key of ['text', 'tokenIds', 'promptTokens', 'tiles', 'frameHash', 'prompt'] as const)
          assert.deepEqual(held[key], again[key], `${detail}: ${prompt}: ${key}`);
      }
    }
  });

  it('reports the progress of each stage while it encodes, and none for an encoded picture', async () => {
    const progress: Progress[] = [];
    const request = { id: 'test', crop: { x: 0, y: 0, width: 0.5, height: 1 } };
    const picture = readFileSync(demoFrame(frame));
    const collecting = hooks({ onProgress: (each) => void progress.push(each) });
    const first = await captioner().encode([picture], request, collecting);
    assert.ok(progress.length > 0 && progress.every(({ phase, stage }) => phase === 'vision' && stage));
    assert.equal(progress.at(-1)?.done, progress.at(-1)?.total);
    assert.ok(first.vision && !first.cached && first.timingsMs.vision > 0);
    const reported = progress.length;
    const second = await captioner().encode([picture], request, collecting);
    assert.deepEqual([progress.length, second.cached, second.vision], [reported, true, undefined]);
    assert.equal(second.handles[0]?.id, first.handles[0]?.id);
  });

  it('keeps crop and masks in the handle, and several handles apart', async () => {
    const picture = readFileSync(demoFrame(frame));
    const all = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ] as const;
    const black = await captioner().encode([picture], { id: 'test', masks: [all] }, hooks());
    const plain = await captioner().encode([picture], { id: 'test' }, hooks());
    const ids = [black, plain].map(({ handles }) => handles[0]?.id ?? '');
    assert.notEqual(ids[0], ids[1]);
    const describe = (features: string[]): Promise<Caption> =>
      captioner().describe([], { id: 'test', prompt: 'Describe this image.', features }, hooks());
    const [dark, bright, both] = [await describe([ids[0]!]), await describe([ids[1]!]), await describe(ids)];
    assert.notEqual(dark.text, bright.text);
    assert.equal(both.tiles, 2);
  });

  it('refuses the handles of another captioner, and invalid ones', async () => {
    const other = await openCaptioner({ model: 'demo', pictures: sharedPictures });
    try {
      const features = await other.encode([readFileSync(demoFrame(frame))], { id: 'test' }, hooks());
      for (const id of [features.handles[0]?.id ?? '', 'nonsense']) {
        const request = { id: 'test', prompt: 'x', features: [id] };
        await assert.rejects(captioner().describe([], request, hooks()), { code: 'features-gone' });
      }
    } finally {
      await other.close();
    }
  });
});
