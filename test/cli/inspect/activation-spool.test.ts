import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ActivationSpool } from '../../../src/cli/inspect/activation-spool';
import { SafetensorsFile } from '../../../src/model/safetensors/safetensors';

describe('ActivationSpool', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'smolvlm-spool-test-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('stacks each name’s tiles, even if the caller changes the values afterwards', async () => {
    const spools = async () =>
      (await readdir(tmpdir())).filter((name) => name.startsWith('smolvlm-activations-'));
    const before = await spools();
    const spool = await ActivationSpool.create();
    const path = join(dir, 'out.safetensors');
    try {
      for (const tile of [0, 1, 2]) {
        const stream = Float32Array.of(tile, 1, 2, 3, 4, 5);
        spool.add('embeddings', stream);
        stream.fill(-1);
        spool.add('connector', Float32Array.of(10 + tile));
      }
      const names = await spool.write(path, (name) => (name === 'connector' ? 1 : 3));
      assert.deepEqual(names, ['embeddings', 'connector']);
    } finally {
      await spool.close();
    }
    const file = await SafetensorsFile.open(path);
    try {
      assert.deepEqual(file.entry('embeddings').shape, [3, 3, 2]);
      assert.deepEqual([...(await file.read('embeddings', 6, 12))], [1, 1, 2, 3, 4, 5]);
      assert.deepEqual(file.entry('connector').shape, [3, 1, 1]);
      assert.deepEqual([...(await file.read('connector'))], [10, 11, 12]);
    } finally {
      await file.close();
    }
    assert.deepEqual(await spools(), before);
    assert.ok(existsSync(path));
  });
});
