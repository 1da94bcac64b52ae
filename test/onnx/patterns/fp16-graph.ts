import type { GraphNode, OnnxGraph } from '../../../src/onnx/graph-builder';

/** Operators whose outputs are not numbers of the stream, or are rounded already. */
const exact = new Set(['Reshape', 'Transpose', 'Concat', 'Split', 'Slice']);

const float32 = { to: { int: 1 } };
const float16 = { to: { int: 10 } };

/** The same graph with the input and each operator's result rounded to fp16, as an NPU stores them. */
export function roundedToFp16(graph: OnnxGraph): OnnxGraph {
  const renamed = new Map<string, string>();
  const nodes: GraphNode[] = [];
  const round = (from: string, to: string): void => {
    nodes.push(cast(from, `${to}.fp16`, float16), cast(`${to}.fp16`, to, float32));
  };
  for (const { name } of graph.inputs) {
    round(name, `${name}.rounded`);
    renamed.set(name, `${name}.rounded`);
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => renamed.get(input) ?? input);
    if (exact.has(node.op)) {
      nodes.push({ ...node, inputs });
      continue;
    }
    nodes.push({ ...node, inputs, outputs: node.outputs.map((output) => `${output}.full`) });
    for (const output of node.outputs) round(`${output}.full`, output);
  }
  return { ...graph, nodes };
}

function cast(from: string, to: string, attributes: GraphNode['attributes']): GraphNode {
  return { name: `cast.${to}`, op: 'Cast', domain: '', inputs: [from], outputs: [to], attributes };
}
