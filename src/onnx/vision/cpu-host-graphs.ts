import type { TensorSource } from '../../model/safetensors/tensor-source';
import { GraphBuilder, type OnnxGraph } from '../graph-builder';
import { float32Weight, matrixShape, transposedFloat32Weight } from '../weights';

/**
 * One of the host's matrix products as a graph: `in` float32 [rows, inner] → `out` [rows, outs]. It is always
 * float32: both together are 1 % of the tower's arithmetic, and the rest depends on the first one.
 * @param name `name.weight` is [outs, …inner] in the checkpoint
 */
export function cpuProjection(source: TensorSource, name: string, rows: number, bias: boolean): OnnxGraph {
  const [outs, inner] = matrixShape(source, `${name}.weight`);
  const graph = new GraphBuilder(name, { opsets: { '': 17 } });
  const input = graph.input('in', 'float32', [rows, inner]);
  const weight = graph.weight(`${name}.weight`, transposedFloat32Weight(source, `${name}.weight`));
  if (bias) {
    const product = graph.op('MatMul', [input, weight]);
    graph.op('Add', [product, graph.weight(`${name}.bias`, float32Weight(source, `${name}.bias`))], {
      outputs: ['out'],
    });
  } else {
    graph.op('MatMul', [input, weight], { outputs: ['out'] });
  }
  graph.output('out', 'float32', [rows, outs]);
  return graph.build();
}
