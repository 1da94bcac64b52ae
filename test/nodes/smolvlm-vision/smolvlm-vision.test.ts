import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import helper from 'node-red-node-test-helper';
import { EngineClient } from '../../../src/client/engine-client';
import { troubleOf } from '../../../src/failures/trouble';
import type { FeatureHandle } from '../../../src/protocol/features';
import { EmulatedNpu } from '../../backends/rknn/emulated-npu';
import { fewPatches, writeSmallCheckpoint } from '../../convert/small-checkpoint';
import { setEnvironment } from '../../environment';
import { demoFrame } from '../../fixtures';
import { EmulatedBundle } from '../../inference/npu/emulated-bundle';
import { untilEnded } from '../smolvlm-caption/caption-flow';
import { type Received, VisionFlow } from './vision-flow';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const garden = readFileSync(demoFrame('frame_08_garden_day.jpg'));
const questions = [
  'Describe this image.',
  'Where is this?',
  'Is there a cat?',
  'What colour is the truck?',
  'Is it day or night?',
];
describe('smolvlm-vision', function () {
  this.timeout(120_000);
  let runtime: string;
  let restore: () => void;
  let flow: VisionFlow;

  async function engine<T>(ask: (client: EngineClient) => Promise<T>): Promise<T> {
    const client = new EngineClient({ kind: 'local' }, { local: { directory: runtime } });
    try {
      return await ask(client);
    } finally {
      await client.close();
    }
  }
  const status = () => engine((client) => client.status());

  async function stopEngine(): Promise<void> {
    const sockets = async () => (await readdir(runtime)).filter((name) => name.endsWith('.sock'));
    if ((await sockets()).length === 0) return;
    const { pid } = await status();
    process.kill(pid, 'SIGTERM');
    await untilEnded(pid);
  }

  function handleOf({ features }: Received): FeatureHandle {
    assert.ok(features && !Array.isArray(features));
    return features;
  }

  before(async () => {
    runtime = await mkdtemp(join(tmpdir(), 'smolvlm-node-'));
    restore = setEnvironment({ SMOLVLM_RUNTIME_DIR: runtime });
    await new Promise<void>((resolve) => helper.startServer(resolve));
  });
  after(async () => {
    await stopEngine();
    restore();
    await rm(runtime, { recursive: true, force: true });
    await new Promise<void>((resolve) => helper.stopServer(resolve));
  });
  beforeEach(() => {
    flow = new VisionFlow();
  });
  afterEach(async () => {
    await helper.unload();
  });

  it('encodes a frame once for five questions, and the answers are the same as without it', async () => {
    await flow.load({}, {}, questions);
    flow.send({ payload: street, topic: 'street', keep: 'me' });
    await flow.count(flow.captions, 5);
    const [seen] = flow.seen;
    assert.deepEqual([seen?.payload, (seen as { keep?: string }).keep], [street, 'me']);
    const { vision } = seen as Received;
    assert.deepEqual(
      [vision?.cached, vision?.tiles, vision?.backend, vision?.model, vision?.camera],
      [false, 1, 'onnxruntime int8', 'demo', 'street'],
    );
    assert.ok((vision?.timingsMs.vision ?? 0) > 0 && Object.keys(vision?.stagesMs ?? {}).length > 0);
    const handle = handleOf(seen as Received);
    assert.equal(handle.engine, (await status()).instance);
    assert.equal(handle.frameHash, vision?.frameHash);
    assert.ok(Date.parse(handle.expires) > Date.now());
    assert.doesNotMatch(JSON.stringify(seen?.features), /rows|\[/, 'a handle, no tensors');
    for (const { caption } of flow.captions) {
      assert.deepEqual([caption?.cached, caption?.timingsMs.vision, caption?.vision], [true, 0, undefined]);
      assert.equal(caption?.frameHash, handle.frameHash);
    }
    assert.deepEqual((await status()).cameras.street?.dropped, {}, 'no question took another one’s place');
    const answers = flow.answers();
    const without = await engine(async (client) => {
      const texts: string[][] = [];
      for (const prompt of questions) {
        const final = await client.describe({ model: 'demo', prompt }, [street]);
        texts.push([prompt, final.type === 'result' ? final.result.text : JSON.stringify(final)]);
      }
      return texts.sort();
    });
    assert.deepEqual(answers, without);
  });

  it('shows the time that the features took', async () => {
    await flow.load();
    await flow.through({ payload: garden, topic: 'garden' }, flow.seen);
    await flow.status(/status\.answered|\d s$/);
  });

  it('gives an array of handles for several pictures, and questions are about all of them', async () => {
    await flow.load({}, {}, ['Where is this?']);
    flow.send({ payload: [garden, street] });
    await flow.count(flow.captions, 1);
    const [seen] = flow.seen;
    assert.ok(Array.isArray(seen?.features) && seen.features.length === 2);
    assert.deepEqual([seen.vision?.tiles, flow.captions[0]?.caption?.tiles], [2, 2]);
    assert.equal(flow.captions[0]?.caption?.timingsMs.vision, 0);
  });

  it('applies its detail also to the caption nodes after it', async () => {
    await flow.load({ detail: 'full' }, {}, ['Where is this?']);
    flow.send({ payload: street });
    await flow.count(flow.captions, 1);
    const [{ vision, ...seen }] = flow.seen as [Received];
    assert.equal(handleOf(seen).detail, 'full');
    const { caption } = flow.captions[0] as Received;
    assert.deepEqual([caption?.tiles, caption?.timingsMs.vision], [vision?.tiles, 0]);
  });

  it('encodes the picture again after the engine has restarted', async () => {
    await flow.load({}, {}, ['Where is this?', 'Is there a cat?']);
    flow.send({ payload: street, topic: 'street' });
    await flow.count(flow.captions, 2);
    const before = flow.answers();
    const old = handleOf(flow.seen[0] as Received);
    await stopEngine();
    for (const to of ['c0', 'c1']) flow.send({ payload: street, topic: 'street', features: old }, to);
    await flow.count(flow.captions, 4);
    assert.notEqual((await status()).instance, old.engine);
    const again = flow.captions.slice(2);
    assert.deepEqual(again.map(({ caption }) => [caption?.prompt, caption?.text]).sort(), before);
    assert.deepEqual(
      again.map(({ caption }) => caption?.cached).sort(),
      [false, true],
      'seen once more, and once only',
    );
    assert.deepEqual((await status()).lastErrors, []);
  });

  it('uses the picture if the handle has expired or is from another engine', async () => {
    await flow.load({}, {}, ['Where is this?']);
    const seen = await flow.through({ payload: street }, flow.seen);
    const handle = handleOf(seen);
    await flow.count(flow.captions, 1);
    for (const features of [
      { ...handle, expires: new Date(Date.now() - 1000).toISOString() },
      { ...handle, engine: 'another', id: `another-${handle.frameHash}-low` },
    ]) {
      const { caption } = await flow.through({ payload: garden, features }, flow.captions, 'c0');
      assert.equal(caption?.text, 'This is a garden.', 'the picture, not the handle');
    }
  });

  it('needs no picture while the handle is valid, and reports it when both are gone', async () => {
    await flow.load({}, {}, ['Where is this?']);
    const { features } = await flow.through({ payload: street }, flow.seen);
    await flow.count(flow.captions, 1);
    const { caption } = await flow.through({ payload: 'a caption', features }, flow.captions, 'c0');
    assert.equal(caption?.text, 'This is a street.');
    await stopEngine();
    const failed = await flow.through({ payload: 'a caption', features }, flow.errors, 'c0');
    assert.equal(failed.error?.code, 'features-gone');
    assert.match(failed.error?.message ?? '', /msg\.features.*could not be read again/);
  });

  for (const [what, payload, code] of [
    ['a number', 7, 'image-source'],
    ['a login page', Buffer.from('<html><title>Login</title>'), 'image-html'],
    ['half a picture', street.subarray(0, 9000), 'image-truncated'],
  ] as const) {
    it(`hands ${what} to Catch with its code, and continues`, async () => {
      await flow.load();
      const failed = await flow.through({ payload }, flow.errors);
      assert.equal(failed.error?.code, code, failed.error?.message);
      await flow.status(new RegExp(`trouble\\.${troubleOf(code).key}`));
      flow.errors.length = 0;
      assert.ok((await flow.through({ payload: street }, flow.seen)).features);
    });
  }

  it('sends the older of two waiting frames through the second output, and frames past the deadline', async () => {
    await flow.load();
    const pictures = [street, garden, street, garden];
    for (const payload of pictures) flow.send({ payload, topic: 'porch' });
    await flow.ended(4);
    assert.equal(flow.seen.length + flow.dropped.length, 4);
    for (const { vision, payload } of flow.dropped) {
      assert.deepEqual([vision?.dropped, vision?.camera], ['superseded', 'porch']);
      assert.match(vision?.reason ?? '', /newer frame/);
      assert.ok(Buffer.isBuffer(payload), 'the picture is kept');
    }
    await helper.unload();
    flow = new VisionFlow();
    await flow.load({ deadline: '0.001' });
    const late = await flow.through({ payload: street }, flow.dropped);
    assert.equal(late.vision?.dropped, 'deadline');
    assert.equal(late.features, undefined);
  });

  it('reports that no engine is chosen', async () => {
    await flow.load({ engine: '' });
    const failed = await flow.through({ payload: street }, flow.errors);
    assert.equal(failed.error?.code, 'node-no-engine');
  });

  it('closes at once while requests are running', async () => {
    await flow.load({ detail: 'full' }, { queueCapacity: 10 });
    const status = once(helper.getNode('v'), 'call:status');
    for (const topic of ['a', 'b', 'c']) flow.send({ payload: garden, topic });
    await status;
    await helper.unload();
    assert.ok(flow.seen.length < 3, 'the close does not wait for the features');
  });

  it('shows how busy each NPU core was', async () => {
    await stopEngine();
    const npu = await EmulatedNpu.create({ SMOLVLM_NPU_CORES: '3' });
    const model = join(runtime, 'model');
    await writeSmallCheckpoint(model, 3, fewPatches);
    const bundle = await EmulatedBundle.create({ model });
    try {
      await flow.load({}, { model: bundle.dir, backend: 'npu' }, ['Where is this?', 'Is there a cat?']);
      flow.send({ payload: street });
      await flow.count(flow.captions, 2);
      const { vision } = flow.seen[0] as Received;
      assert.deepEqual([vision?.backend, vision?.fallback], ['rknn fp16', undefined]);
      assert.equal(Object.keys(vision?.stagesMs ?? {}).length, 6);
      const { coreBusy = [] } = vision ?? {};
      assert.equal(coreBusy.length, 3);
      assert.ok(
        coreBusy.every((share) => share > 0 && share <= 1),
        coreBusy.join(' '),
      );
      assert.ok(flow.captions.every(({ caption }) => caption?.timingsMs.vision === 0));
      await flow.status(/status\.encoded|cores/);
      const runs = (await npu.trace()).filter(({ stage }) => stage !== undefined);
      assert.equal(runs.length, 6, 'one pass for two questions');
    } finally {
      await helper.unload();
      await stopEngine();
      await bundle.remove();
      await npu.remove();
    }
  });
});
