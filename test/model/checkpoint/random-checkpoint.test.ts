import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { writeRandomCheckpoint } from '../../../src/model/checkpoint/random-checkpoint';
import { demoModel, fixture } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

describe('writeRandomCheckpoint', () => {
  const temp = useTempFolder();

  it('makes a checkpoint that opens, with the tensors and weights that the configs need', async () => {
    const made = await writeRandomCheckpoint(demoModel, temp('a'), 1);
    assert.equal(made.tensors, 237);
    assert.equal(made.parameters, 3_329_536);
    const checkpoint = await openCheckpoint(temp('a'));
    const names = (await readdir(temp('a'))).filter((name) => name.includes('token'));
    assert.deepEqual(names, ['special_tokens_map.json', 'tokenizer.json', 'tokenizer_config.json']);
    await checkpoint.close();
  });

  it('writes the same bytes for the same seed, and others for another', async () => {
    const sums = [];
    for (const [folder, seed] of [
      ['a', 1],
      ['b', 1],
      ['c', 2],
    ] as const) {
      sums.push((await writeRandomCheckpoint(demoModel, temp(folder), seed)).weights.sha256);
    }
    assert.equal(sums[1], sums[0]);
    assert.notEqual(sums[2], sums[0]);
  });

  it('draws weights as for an untrained network: linear layers 1/√inputs, norms about 1', async () => {
    await writeRandomCheckpoint(fixture('goldens', 'tiny-idefics3'), temp('t'), 7);
    const checkpoint = await openCheckpoint(temp('t'));
    const moments = (values: Float32Array): { mean: number; deviation: number } => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      return { mean, deviation: Math.sqrt(square) };
    };
    const linear = moments(await checkpoint.tensors.read('connector.modality_projection.proj.weight'));
    assert.ok(Math.abs(linear.mean) < 0.001, `mean ${linear.mean}`);
    assert.ok(Math.abs(linear.deviation * 32 - 1) < 0.02, `deviation ${linear.deviation}`);
    const norm = moments(await checkpoint.tensors.read('vision_model.post_layernorm.weight'));
    assert.ok(Math.abs(norm.mean - 1) < 0.02, `mean ${norm.mean}`);
    const [first, second] = [0, 1].map((layer) =>
      checkpoint.tensors.read(`vision_model.encoder.layers.${layer}.mlp.fc1.weight`),
    );
    assert.notDeepEqual(await first, await second);
    await checkpoint.close();
  });

  it('never writes into the folder of the configs', () =>
    assert.rejects(writeRandomCheckpoint(temp(), temp('x', '..'), 1), { code: 'checkpoint-out' }));

  it('leaves no weights behind when it is interrupted', async () => {
    const interrupted = AbortSignal.abort(new Error('stop'));
    await assert.rejects(writeRandomCheckpoint(demoModel, temp('x'), 1, interrupted), /stop/);
    assert.deepEqual(
      (await readdir(temp('x'))).filter((name) => name.includes('safetensors')),
      [],
    );
    assert.ok((await readFile(temp('x', 'config.json'))).length > 0);
  });
});
