import assert from 'node:assert/strict';
import { encodeModel } from '../../src/onnx/encode-model';
import { GraphBuilder } from '../../src/onnx/graph-builder';
import { loadModelProto } from '../../src/onnx/onnx-proto';

const opsets = { '': 12 };

describe('GraphBuilder', () => {
  it('refuses a value that no node has defined yet', () => {
    const graph = new GraphBuilder('g', { opsets });
    assert.throws(() => graph.op('Neg', ['ghost']), { code: 'onnx-undefined', message: /"ghost"/ });
    assert.throws(() => graph.output('ghost', 'float32', [1]), { code: 'onnx-undefined' });
  });

  it('refuses a name twice, and an operator set that is not imported', () => {
    const graph = new GraphBuilder('g', { opsets });
    graph.input('in', 'float32', [1]);
    assert.throws(() => graph.constant('in', 'float32', [], 1), { code: 'onnx-name-taken' });
    assert.throws(() => graph.op('FastGelu', ['in'], { domain: 'com.microsoft' }), { code: 'onnx-opset' });
  });

  it('refuses a constant whose data does not fill its shape', () => {
    const graph = new GraphBuilder('g', { opsets });
    assert.throws(() => graph.constant('c', 'int64', [2], BigInt64Array.of(1n)), {
      code: 'onnx-constant-size',
      message: 'constant c: int64 [2] is 16 bytes, received 8',
    });
  });

  it('gives nodes and values distinct names, and keeps optional inputs omitted', () => {
    const graph = new GraphBuilder('g', { opsets });
    graph.input('in', 'float32', [1]);
    const first = graph.op('Clip', ['in', '', graph.constant('top', 'float32', [], 10)]);
    const second = graph.op('Clip', [first]);
    assert.notEqual(first, second);
    graph.output(second, 'float32', [1]);
    const { nodes } = graph.build();
    assert.deepEqual(nodes[0]?.inputs, ['in', '', 'top']);
    assert.equal(new Set(nodes.map(({ name }) => name)).size, 2);
  });

  it('encodes the given operator set and ir version, and distinguishes integer attributes from floats', async () => {
    const graph = new GraphBuilder('g', { opsets, irVersion: 7 });
    graph.input('in', 'float32', [1]);
    graph.op('X', ['in'], { attributes: { a: { int: -1 }, b: { float: 1 } }, outputs: ['out'] });
    graph.output('out', 'float32', [1]);
    const ModelProto = await loadModelProto();
    const message = ModelProto.decode(await encodeModel(graph.build(), 'g.onnx.data', new Map()));
    const model = ModelProto.toObject(message, { longs: Number, arrays: true });
    assert.equal(model.irVersion, 7);
    assert.equal(model.opsetImport.length, 1);
    assert.equal(model.opsetImport[0].version, 12);
    const [a, b] = model.graph.node[0].attribute;
    assert.deepEqual([a.type, a.i, b.type, b.f], [2, -1, 1, 1]);
  });
});
