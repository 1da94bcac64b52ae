import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyReference } from '../../src/convert/bundle-reference';
import { chooseFrames } from '../../src/convert/calibration-frames';
import { defaultBounds } from '../../src/convert/npu-stage-part';
import { ReferenceActivations } from '../../src/convert/reference-activations';
import { type BundleValidation, validateBundle } from '../../src/convert/validate-bundle';
import type { BundleManifest } from '../../src/model/bundle-manifest';
import { openCheckpoint } from '../../src/model/checkpoint';
import { bundleManifestName, readBundle } from '../../src/model/read-bundle';
import { resolveModel } from '../../src/model/resolve-model';
import { EmulatedNpu } from '../backends/rknn/emulated-npu';
import { EmulatedBundle } from '../engine/emulated-bundle';
import { useTempFolder } from '../temp-folder';

/** Values that are wrong but finite: only a comparison with the reference can tell. */
describe('validating a bundle on the emulated NPU', function () {
  this.timeout(300_000);
  const temp = useTempFolder();
  let npu: EmulatedNpu;
  let bundle: EmulatedBundle;

  before(async () => {
    npu = await EmulatedNpu.create();
    bundle = await EmulatedBundle.create({ cpuStages: false });
  });
  after(async () => {
    await bundle?.remove();
    await npu?.remove();
  });

  async function addReference(): Promise<void> {
    const checkpoint = await openCheckpoint((await resolveModel('demo')).dir);
    try {
      const captured = await ReferenceActivations.capture(
        checkpoint,
        await chooseFrames(),
        temp('reference'),
        {
          residualScale: 1,
          calibrate: false,
        },
      );
      const path = join(bundle.dir, bundleManifestName);
      const manifest: BundleManifest = JSON.parse(await readFile(path, 'utf8'));
      const { entry: validation } = await copyReference(bundle.dir, captured);
      await writeFile(path, JSON.stringify({ ...manifest, validation }));
    } finally {
      await checkpoint.close();
    }
  }

  async function validate(): Promise<BundleValidation> {
    const backend = await npu.open();
    try {
      return await validateBundle(await readBundle(bundle.dir), backend, defaultBounds);
    } finally {
      await backend.close();
    }
  }

  it('passes one that computes what the reference does, and fails one that computes something else', async () => {
    await addReference();
    const good = await validate();
    assert.equal(good.pass, true, JSON.stringify(good.stages));
    assert.ok(good.endToEndCosine >= 0.9999, String(good.endToEndCosine));
    await npu.faults('wrong');
    const wrong = await validate();
    assert.equal(wrong.pass, false);
    assert.ok(wrong.stages.every(({ pass }) => !pass));
  });
});
