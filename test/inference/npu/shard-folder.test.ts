import assert from 'node:assert/strict';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { openCaptioner } from '../../../src/inference/captioner';
import type { Caption, CaptionerOptions } from '../../../src/inference/inference';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { EmulatedNpu } from '../../backends/rknn/emulated-npu';
import { runSmolvlm } from '../../cli/run-smolvlm';
import { runSmolvlmHere } from '../../cli/run-smolvlm-here';
import { fewPatches, writeSmallCheckpoint } from '../../convert/small-checkpoint';
import { demoFrame } from '../../fixtures';
import { sharedPictures } from '../shared-pictures';
import { EmulatedBundle, writeEmulatedShards } from './emulated-bundle';

const picture = demoFrame('frame_09_street_day.jpg');
const prompt = 'Is there a cat?';

describe('a folder of shards without a manifest, on the emulated NPU', function () {
  this.timeout(180_000);
  let folder = '';
  const temp = (...parts: string[]): string => join(folder, ...parts);
  let npu: EmulatedNpu;
  let model: string;
  let shards: string;
  /** The answers of a bundle with the same shards, and of the checkpoint on the CPU. */
  const expected = { npu: '', cpu: '' };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smolvlm-shards-'));
    npu = await EmulatedNpu.create({ SMOLVLM_NPU_CORES: '3', SMOLVLM_CACHE: temp('cache') });
    model = temp('model');
    await writeSmallCheckpoint(model, 2, fewPatches);
    const bundle = await EmulatedBundle.create({ model });
    expected.npu = (await caption({ model: bundle.dir, backend: 'npu' })).text;
    expected.cpu = (await caption({ model })).text;
    await bundle.remove();
    await npu.forget();
    shards = temp('shards');
    mkdirSync(shards);
    const checkpoint = await openCheckpoint(model);
    try {
      await writeEmulatedShards(shards, checkpoint);
    } finally {
      await checkpoint.close();
    }
  });
  after(async () => {
    await npu?.remove();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => npu.faults());
  afterEach(async () => {
    assert.deepEqual(await npu.violations(), []);
    await npu.forget();
  });

  async function caption(options: Partial<CaptionerOptions> = {}): Promise<Caption> {
    const captioner = await openCaptioner({ model: shards, pictures: sharedPictures, ...options });
    const hooks = {
      signal: new AbortController().signal,
      onProgress: () => undefined,
      onToken: () => undefined,
    };
    try {
      return await captioner.describe([readFileSync(picture)], { id: '1', prompt, maxNewTokens: 8 }, hooks);
    } finally {
      await captioner.close();
    }
  }

  function smolvlm(...args: readonly string[]) {
    return runSmolvlmHere([...args, '--json']);
  }

  it('captions with the checkpoint that is given, its shards left where they are', async () => {
    const { text, backend } = await caption({ checkpoint: model, backend: 'npu' });
    assert.deepEqual([text, backend], [expected.npu, 'rknn fp16 + onnxruntime int8']);
    assert.equal((await npu.trace()).filter(({ stage }) => stage !== undefined).length, 4);
    const [made = ''] = readdirSync(temp('cache', 'bundles')).filter((name) => name.startsWith('shards-'));
    assert.ok(lstatSync(temp('cache', 'bundles', made, 'l0_attn.rknn')).isSymbolicLink());
  });

  it('lets the CPU answer when the NPU gives nonsense', async () => {
    await npu.faults('nan');
    const { text, backend, fallback } = await caption({ checkpoint: model });
    assert.deepEqual([text, backend, fallback?.code], [expected.cpu, 'onnxruntime int8', 'stage-output']);
  });

  it('captions with the checkpoint’s files in the folder itself', async () => {
    const both = temp('both');
    cpSync(model, both, { recursive: true });
    cpSync(shards, both, { recursive: true });
    assert.equal((await caption({ model: both })).text, expected.npu);
  });

  it('is refused without a checkpoint, and with one of another depth', async () => {
    await assert.rejects(caption(), { code: 'bundle-host-missing', hint: /--checkpoint/ });
    await writeSmallCheckpoint(temp('shallow'), 1, fewPatches);
    await assert.rejects(caption({ checkpoint: temp('shallow') }), {
      code: 'bundle-shards-checkpoint',
      message: /shards of 2 layers, .* has 1/,
    });
  });

  it('is refused with its first shard missing, checkpoint or not', async () => {
    const both = temp('incomplete');
    cpSync(model, both, { recursive: true });
    cpSync(shards, both, { recursive: true });
    rmSync(join(both, 'l0_attn.rknn'));
    await assert.rejects(caption({ model: both }), { code: 'bundle-shard-missing', message: /l0_attn/ });
  });

  it('is validated, and adopted into a bundle that needs neither folder', async () => {
    const validated = await smolvlm('validate', relative(process.cwd(), shards), '--checkpoint', model);
    assert.equal(validated.status, 0, validated.stderr);
    const { pass, backend, stages } = JSON.parse(validated.stdout);
    assert.deepEqual([pass, backend, stages.length], [true, 'rknn', 4]);

    const bundle = temp('bundle');
    const adopted = await smolvlm('convert', '--shards', shards, '--model', model, '--out', bundle);
    assert.equal(adopted.status, 0, adopted.stderr);
    assert.ok(existsSync(join(bundle, 'validation.safetensors')));
    assert.ok(lstatSync(join(bundle, 'l1_mlp.rknn')).isFile());
    assert.equal((await caption({ model: bundle })).text, expected.npu);
    assert.equal((await smolvlm('validate', bundle)).status, 0);
  });

  it('works with shards of a model whose patches do not divide its tile, like SmolVLM 2.2B', async () => {
    const [oddModel, odd, bundle] = [temp('odd-model'), temp('odd-shards'), temp('odd-bundle')];
    await writeSmallCheckpoint(oddModel, 2, { imageSize: 90, patchSize: 14, scaleFactor: 3 });
    mkdirSync(odd);
    const checkpoint = await openCheckpoint(oddModel);
    await writeEmulatedShards(odd, checkpoint).finally(() => checkpoint.close());
    const { tokenIds, backend } = await caption({ model: odd, checkpoint: oddModel, backend: 'npu' });
    assert.ok(tokenIds.length > 0);
    assert.equal(backend, 'rknn fp16 + onnxruntime int8');
    const validated = await smolvlm('validate', odd, '--checkpoint', oddModel);
    assert.equal(validated.status, 0, validated.stderr);
    assert.equal(JSON.parse(validated.stdout).stages.length, 4);
    const adopted = await smolvlm('convert', '--shards', odd, '--model', oddModel, '--out', bundle);
    assert.equal(adopted.status, 0, adopted.stderr);
    assert.equal((await caption({ model: bundle, backend: 'npu' })).backend, backend);
  });

  it('captions from the command line', async () => {
    const args = ['--model', shards, '--checkpoint', model, '--image', picture];
    const { status, stdout, stderr } = await runSmolvlm([
      'caption',
      ...args,
      ...['--prompt', prompt, '--max-new-tokens', '8'],
      '--json',
    ]);
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      [JSON.parse(stdout).text, JSON.parse(stdout).backend],
      [expected.npu, 'rknn fp16 + onnxruntime int8'],
    );
  });
});
