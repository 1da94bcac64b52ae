import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { requiredTensors } from '../../../src/model/checkpoint/required-tensors';
import { equalisedDecoder } from '../../../src/onnx/decoder/equalised-decoder';
import { equalisedVision } from '../../../src/onnx/vision/equalised-vision';
import { demoModel, repositoryRoot } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

const main = join(repositoryRoot, 'dist', 'src', 'cli', 'main.js');

describe('smolvlm inspect outlier-checkpoint', () => {
  const temp = useTempFolder();
  const make = (...more: string[]) =>
    spawnSync(
      process.execPath,
      [main, 'inspect', 'outlier-checkpoint', '--model', demoModel, '--json', ...more],
      { encoding: 'utf8' },
    );

  it('plants outliers that equalisation removes from every weight, bit for bit', async () => {
    const { status, stderr } = make(
      '--out',
      temp('out'),
      '--factor',
      '128',
      '--channels',
      '6',
      '--seed',
      '5',
    );
    assert.equal(status, 0, stderr);
    const [plain, spread] = [await openCheckpoint(demoModel), await openCheckpoint(temp('out'))];
    const { vision, text } = plain.config;
    const norm = 'vision_model.encoder.layers.3.layer_norm1.weight';
    const before = await plain.tensors.read(norm);
    const planted = (await spread.tensors.read(norm)).filter(
      (value, channel) => value === 128 * before[channel]!,
    );
    assert.ok(planted.length > 3, `${planted.length} channels`);
    const sources = await Promise.all([
      equalisedVision(plain.tensors, vision.layers),
      equalisedVision(spread.tensors, vision.layers),
      equalisedDecoder(plain.tensors, text, 'int8'),
      equalisedDecoder(spread.tensors, text, 'int8'),
    ]);
    for (const { name } of requiredTensors(plain.config)) {
      const [expected, found] = sources.slice(name.startsWith('vision_model.') ? 0 : 2);
      assert.deepEqual(await found?.read(name), await expected?.read(name), name);
    }
    await plain.close();
    await spread.close();
  });

  it('exits 2 for the model’s own folder and for a factor below 1', () => {
    const own = make('--out', demoModel);
    assert.deepEqual([own.status, own.stdout], [2, '']);
    assert.match(own.stderr, /--out: expected a folder other than the model’s/);
    assert.equal(make('--out', temp('out'), '--factor', '0.5').status, 2);
  });
});
