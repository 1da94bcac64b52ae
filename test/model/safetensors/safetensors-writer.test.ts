import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { SafetensorsFile } from '../../../src/model/safetensors/safetensors';
import { float32Tensor, writeSafetensors } from '../../../src/model/safetensors/safetensors-writer';
import { useTempFolder } from '../../temp-folder';

describe('writeSafetensors', () => {
  const temp = useTempFolder();

  it('writes what the reader reads, requesting one tensor after the other', async () => {
    const asked: string[] = [];
    const path = temp('w.safetensors');
    const written = await writeSafetensors(
      path,
      [
        {
          name: 'pieces',
          dtype: 'U8',
          shape: [5],
          async *data() {
            asked.push('pieces');
            yield Uint8Array.of(1, 2);
            yield Uint8Array.of(3, 4, 5);
          },
        },
        {
          name: 'late',
          dtype: 'F32',
          shape: [2, 1],
          data: async () => {
            asked.push('late');
            return Float32Array.of(0.5, -8);
          },
        },
        float32Tensor('empty', [0, 7], new Float32Array(0)),
      ],
      { format: 'pt' },
    );
    assert.deepEqual(asked, ['pieces', 'late']);
    const bytes = await readFile(path);
    assert.equal(written.sizeBytes, bytes.length);
    assert.equal(written.sha256, createHash('sha256').update(bytes).digest('hex'));
    const file = await SafetensorsFile.open(path);
    assert.deepEqual(file.metadata, { format: 'pt' });
    assert.equal(file.entry('pieces').offset % 8, 0);
    assert.deepEqual([...(await file.read('pieces'))], [1, 2, 3, 4, 5]);
    assert.deepEqual([...(await file.read('late'))], [0.5, -8]);
    assert.equal((await file.read('empty')).length, 0);
    await file.close();
  });

  it('leaves nothing behind when a tensor fails or is too short', async () => {
    const short = float32Tensor('short', [3], new Float32Array(2));
    await assert.rejects(
      writeSafetensors(temp('w.safetensors'), [short]),
      /short: expected 12 bytes, received 8/,
    );
    const failing = { ...short, data: () => Promise.reject(new Error('no disk')) };
    await assert.rejects(writeSafetensors(temp('w.safetensors'), [failing]), /no disk/);
    assert.deepEqual(await readdir(temp()), []);
  });
});
