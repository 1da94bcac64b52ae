import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseFrames } from '../../src/convert/npu/calibration-frames';
import { ReferenceActivations, validationName } from '../../src/convert/npu/reference-activations';
import { describeBundleFile } from '../../src/model/bundle/bundle-file';
import { bundleManifestName } from '../../src/model/bundle/read-bundle';
import { openCheckpoint } from '../../src/model/checkpoint/checkpoint';
import { EmulatedNpu } from '../backends/rknn/emulated-npu';
import { fewPatches, writeSmallCheckpoint } from '../convert/small-checkpoint';
import { EmulatedBundle } from '../inference/npu/emulated-bundle';
import { useTempFolder } from '../temp-folder';
import { type Ended, runSmolvlm } from './run-smolvlm';
import { runSmolvlmHere } from './run-smolvlm-here';

describe('smolvlm validate on a hub', function () {
  this.timeout(120_000);
  const temp = useTempFolder();
  let npu: EmulatedNpu;
  let bundle: EmulatedBundle;
  let folder: string;
  let model: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smolvlm-test-'));
    model = join(folder, 'model');
    await writeSmallCheckpoint(model, 3, fewPatches);
    npu = await EmulatedNpu.create({ SMOLVLM_NPU_CORES: '3' });
    bundle = await EmulatedBundle.create({ model });
  });
  after(async () => {
    await bundle?.remove();
    await npu?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** Adds the float32 reference of a demo frame to the bundle. */
  async function addReference(): Promise<void> {
    const checkpoint = await openCheckpoint(model);
    try {
      const options = { residualScale: 0.1, calibrate: false };
      await ReferenceActivations.capture(checkpoint, await chooseFrames(), temp('reference'), options);
    } finally {
      await checkpoint.close();
    }
    await copyFile(temp('reference', validationName), join(bundle.dir, validationName));
    const path = join(bundle.dir, bundleManifestName);
    const validation = await describeBundleFile(bundle.dir, validationName);
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), validation }));
  }

  it('needs no Python: the bundle’s own reference runs through its shards', async () => {
    await addReference();
    const args = ['validate', bundle.dir, '--json', '--backend', 'npu'];
    const good = await runSmolvlm(args, { PATH: '/nowhere' });
    assert.equal(good.status, 0, good.stderr);
    const { pass, backend, end_to_end_cosine, stages } = JSON.parse(good.stdout);
    assert.deepEqual([pass, backend, stages.length], [true, 'rknn', 6]);
    assert.ok(end_to_end_cosine > 0.9999, `cosine ${end_to_end_cosine}`);
    assert.ok(stages.every(({ accumulated_cosine }: Record<string, number>) => accumulated_cosine! > 0.9999));
  });

  it('exits with 1 and names the shard when the NPU computes wrong results', async () => {
    await npu.faults('nan');
    const broken = await validate(['--backend', 'npu']);
    assert.equal(broken.status, 1);
    assert.match(broken.stderr, /l0_attn/);
    await npu.faults('wrong');
    const { status, stdout } = await validate(['--backend', 'npu', '--chart', temp('chart.svg')]);
    await npu.faults();
    assert.equal(status, 1);
    const { pass, stages } = JSON.parse(stdout);
    assert.equal(pass, false);
    // Wrong but finite: only a comparison with the reference can detect it.
    assert.deepEqual(
      stages.map((stage: { pass: boolean }) => stage.pass),
      Array(6).fill(false),
    );
    assert.match(await readFile(temp('chart.svg'), 'utf8'), /6 stages on rknn: FAILED/);
  });

  function validate(args: readonly string[]): Promise<Ended> {
    return runSmolvlmHere(['validate', bundle.dir, '--json', ...args]);
  }
});
