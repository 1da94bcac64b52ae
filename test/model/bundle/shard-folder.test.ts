import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { verifyBundleFile } from '../../../src/model/bundle/bundle-file';
import { HostTensors } from '../../../src/model/bundle/host-tensors';
import { readBundle } from '../../../src/model/bundle/read-bundle';
import { useTempFolder } from '../../temp-folder';

describe('a folder of shards without a manifest', () => {
  const temp = useTempFolder();

  beforeEach(async () => {
    for (let layer = 0; layer < 12; layer++) {
      for (const half of ['attn', 'mlp']) await writeFile(temp(`l${layer}_${half}.rknn`), `${layer} ${half}`);
    }
  });

  it('is read with the defaults of such folders', async () => {
    const bundle = await readBundle(temp());
    const { residualScale, stages, target } = bundle.manifest;
    assert.deepEqual([residualScale, target, stages.length], [0.1, 'rk3588', 24]);
    assert.deepEqual(
      stages.slice(6, 9).map(({ name, core }) => [name, core]),
      [
        ['l3_attn', 0],
        ['l3_mlp', 0],
        ['l4_attn', 1],
      ],
    );
    assert.deepEqual(stages[23]?.output, { name: 'out', dtype: 'float32', shape: [1, 1024, 768] });
    for (const { file } of stages) await verifyBundleFile(temp(), file);
    await assert.rejects(HostTensors.open(bundle), { code: 'bundle-host-missing', hint: /checkpoint/ });
  });

  it('is refused when a shard is missing, which the error names', async () => {
    await rm(temp('l7_mlp.rknn'));
    await assert.rejects(readBundle(temp()), {
      code: 'bundle-shard-missing',
      message: /l7_mlp.rknn is missing/,
    });
  });
});
