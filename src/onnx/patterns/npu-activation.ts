import { SmolvlmError } from '../../errors';
import type { GraphBuilder } from '../graph-builder';

/**
 * Beyond this the sigmoid is 0 or 1 in fp16, so that clipping changes nothing and the cube stays below
 * fp16's 65,504 (which 41³ already exceeds).
 */
const cubeLimit = 10;

/**
 * GELU's tanh form, exactly: 0.5·x·(1 + tanh(z)) = x·sigmoid(2z) with z = √(2/π)·(x + 0.044715·x³), with
 * operators that the NPU runs. As fast as the common x·sigmoid(1.702·x), which is off by up to 0.025.
 */
export function tanhGelu(graph: GraphBuilder, value: string): string {
  const slope = 2 * Math.sqrt(2 / Math.PI);
  const scalar = (stem: string, number: number) =>
    graph.constant(graph.unusedName(stem), 'float32', [1], number);
  const limit = (stem: string, number: number) =>
    graph.constant(graph.unusedName(stem), 'float32', [], number);
  const clipped = graph.op('Clip', [value, limit('gelu_min', -cubeLimit), limit('gelu_max', cubeLimit)], {
    name: 'gelu_clipped',
  });
  const square = graph.op('Mul', [clipped, clipped], { name: 'gelu_square' });
  const cubic = graph.op('Mul', [square, scalar('gelu_cubic', slope * 0.044715)], {
    name: 'gelu_cubic_part',
  });
  const steepness = graph.op('Add', [cubic, scalar('gelu_linear', slope)], { name: 'gelu_steepness' });
  const gate = graph.op('Sigmoid', [graph.op('Mul', [clipped, steepness])], { name: 'gelu_gate' });
  return graph.op('Mul', [value, gate], { name: 'gelu' });
}

/**
 * The checkpoint's `hidden_act`, from operators of opset 12 that the NPU runs.
 * @throws SmolvlmError `activation-unknown`
 */
export function npuActivation(graph: GraphBuilder, value: string, hiddenAct: string): string {
  switch (hiddenAct) {
    case 'gelu_pytorch_tanh':
    case 'gelu_new':
      return tanhGelu(graph, value);
    case 'quick_gelu':
      return sigmoidGated(graph, value, 1.702);
    case 'silu':
    case 'swish':
      return sigmoidGated(graph, value, 1);
    case 'relu':
      return graph.op('Relu', [value]);
    default:
      throw new SmolvlmError(
        'activation-unknown',
        `vision_config.hidden_act: expected gelu_pytorch_tanh, gelu_new, quick_gelu, silu or relu, received "${hiddenAct}"`,
        { hint: 'The NPU patterns do not support this activation; convert for the target cpu instead.' },
      );
  }
}

/** x·sigmoid(alpha·x) */
function sigmoidGated(graph: GraphBuilder, value: string, alpha: number): string {
  const steep =
    alpha === 1
      ? value
      : graph.op('Mul', [value, graph.constant(graph.unusedName('gate_alpha'), 'float32', [1], alpha)]);
  return graph.op('Mul', [value, graph.op('Sigmoid', [steep])], { name: 'gated' });
}
