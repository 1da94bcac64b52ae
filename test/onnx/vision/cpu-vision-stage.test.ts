import assert from 'node:assert/strict';
import { cpuVisionStage } from '../../../src/onnx/vision/cpu-vision-stage';
import { visionStages } from '../../../src/onnx/vision/vision-stages';
import { cosine } from '../../cosine';
import { seededValues } from '../../model/safetensors/memory-tensors';
import { relativeError } from '../../vision/agreement';
import { runGraph } from '../run-graph';
import { activations, mlpTensors, referenceMlp } from './reference-stage';

const shape = {
  tokens: 8,
  hidden: 32,
  heads: 2,
  layers: 1,
  layerNormEps: 1e-6,
  hiddenAct: 'gelu_pytorch_tanh',
};
const tensors = mlpTensors(shape.hidden, 64);
const mlp = [{ layer: 0, half: 'mlp' as const }];
const size = [1, shape.tokens, shape.hidden];

describe('cpuVisionStage', () => {
  // At 1e-3 a row's variance is about the epsilon, so that a wrong one shows.
  for (const magnitude of [1, 1e-3]) {
    it(`computes the MLP half for values of about ${magnitude}`, async () => {
      const input = seededValues(shape.tokens * shape.hidden, 9).map((value) => value * magnitude);
      const out = await runGraph(cpuVisionStage('l0_mlp', mlp, shape, tensors, 'float32'), input, size);
      assert.ok(relativeError(out, referenceMlp(input, tensors, shape)) < 1e-5);
    });
  }

  it('would notice an epsilon of 1e-5 in place of 1e-6', async () => {
    const input = seededValues(shape.tokens * shape.hidden, 9).map((value) => value * 1e-3);
    const other = { ...shape, layerNormEps: 1e-5 };
    const out = await runGraph(cpuVisionStage('l0_mlp', mlp, other, tensors, 'float32'), input, size);
    assert.ok(relativeError(out, referenceMlp(input, tensors, shape)) > 1e-2);
  });

  it('computes it in int8 close to float32', async () => {
    const wide = { ...shape, hidden: 512 };
    const weights = mlpTensors(wide.hidden, 64);
    const input = seededValues(wide.tokens * wide.hidden, 9);
    const graph = cpuVisionStage('l0_mlp', mlp, wide, weights, 'int8');
    const out = await runGraph(graph, input, [1, wide.tokens, wide.hidden]);
    assert.ok(cosine(out, referenceMlp(input, weights, wide)) > 0.999);
    assert.ok(relativeError(out, referenceMlp(input, weights, wide)) > 1e-4);
  });

  it('keeps the other channels before fc2 exact in int8 where some are large', async () => {
    const wide = { ...shape, hidden: 256 };
    const intermediate = 3072;
    const weights = mlpTensors(wide.hidden, intermediate);
    const bias = weights.values('vision_model.encoder.layers.0.mlp.fc1.bias');
    const reader = weights.values('vision_model.encoder.layers.0.mlp.fc2.weight');
    // Spread over the whole row, and hardly read, so that the error of the others shows.
    for (let channel = 0; channel < intermediate; channel += 61) {
      bias[channel] = 400;
      for (let row = 0; row < wide.hidden; row++) reader[row * intermediate + channel] = 0;
    }
    const input = seededValues(wide.tokens * wide.hidden, 9);
    const graph = cpuVisionStage('l0_mlp', mlp, wide, weights, 'int8');
    const out = await runGraph(graph, input, [1, wide.tokens, wide.hidden]);
    assert.ok(relativeError(out, referenceMlp(input, weights, wide)) < 0.09);
  });

  it('leaves the MLP of a narrow tower in float32', async () => {
    const input = seededValues(shape.tokens * shape.hidden, 9);
    const out = await runGraph(cpuVisionStage('l0_mlp', mlp, shape, tensors, 'int8'), input, size);
    assert.ok(relativeError(out, referenceMlp(input, tensors, shape)) < 1e-5);
  });

  it('refuses an unsupported activation, naming it', () => {
    const other = { ...shape, hiddenAct: 'mish' };
    assert.throws(() => cpuVisionStage('l0_mlp', mlp, other, tensors, 'float32'), {
      code: 'activation-unknown',
      message: /received "mish"/,
    });
  });

  for (const hiddenAct of Object.keys(activations)) {
    it(`computes ${hiddenAct} exactly`, async () => {
      const other = { ...shape, hiddenAct };
      const input = seededValues(shape.tokens * shape.hidden, 9);
      const out = await runGraph(cpuVisionStage('l0_mlp', mlp, other, tensors, 'float32'), input, size);
      assert.ok(relativeError(out, referenceMlp(input, tensors, other)) < 1e-5);
    });
  }
});

describe('visionStages', () => {
  it('splits a tower into half-layers, layers or one stage, with every half-layer once and in order', () => {
    const order = ['l0_attn', 'l0_mlp', 'l1_attn', 'l1_mlp'];
    for (const [granularity, names] of [
      ['half-layer', order],
      ['layer', ['l0', 'l1']],
      ['tower', ['vision']],
    ] as const) {
      const stages = visionStages(2, granularity);
      assert.deepEqual(
        stages.map(({ name }) => name),
        names,
      );
      assert.deepEqual(
        stages.flatMap(({ halves }) => halves.map(({ layer, half }) => `l${layer}_${half}`)),
        order,
      );
    }
  });
});
