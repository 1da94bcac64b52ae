import { SmolvlmError } from '../errors';
import type { GraphBuilder } from './graph-builder';

const microsoft = 'com.microsoft';

/**
 * The checkpoint's `hidden_act` with the runtime's fused operators.
 * @param part of config.json that names the function, for errors
 * @throws SmolvlmError `activation-unknown` for an unsupported function
 */
export function cpuActivation(
  graph: GraphBuilder,
  value: string,
  hiddenAct: string,
  part: 'vision_config' | 'text_config',
): string {
  switch (hiddenAct) {
    case 'gelu_pytorch_tanh':
    case 'gelu_new':
      // 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))): "fast" by name, exact for these two.
      return graph.op('FastGelu', [value], { domain: microsoft });
    case 'gelu':
      // 0.5·x·(1 + erf(x/√2))
      return graph.op('Gelu', [value], { domain: microsoft });
    case 'quick_gelu':
      // x·sigmoid(1.702·x)
      return graph.op('QuickGelu', [value], { domain: microsoft, attributes: { alpha: { float: 1.702 } } });
    case 'silu':
    case 'swish':
      return graph.op('QuickGelu', [value], { domain: microsoft, attributes: { alpha: { float: 1 } } });
    case 'relu':
      return graph.op('Relu', [value]);
    default:
      throw new SmolvlmError(
        'activation-unknown',
        `${part}.hidden_act: expected gelu_pytorch_tanh, gelu_new, gelu, quick_gelu, silu or relu, received "${hiddenAct}"`,
        { hint: 'This package does not support the activation of this checkpoint yet.' },
      );
  }
}
