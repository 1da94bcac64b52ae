import { SmolvlmError } from '../errors';
import { type OnnxDtype, tensorBytes } from './onnx-proto';

/** Tagged, because 1 may be an integer or a float attribute and ONNX distinguishes them. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] };

/** A fixed size, or the name of a dynamic one such as `tokens`. */
export type Dimension = number | string;

export interface ValueInfo {
  readonly name: string;
  readonly dtype: OnnxDtype;
  readonly shape: readonly Dimension[];
}

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  /** '' stands for an omitted optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export type TensorData =
  | Float32Array
  | Int8Array
  | Uint8Array
  | Int32Array
  | BigInt64Array
  | Uint16Array
  | number;

/** A tensor small enough for the graph's own file. */
export interface InlineTensor {
  readonly name: string;
  readonly dtype: OnnxDtype;
  readonly shape: readonly number[];
  /** Little-endian. */
  readonly bytes: Uint8Array;
}

/** A tensor whose bytes are produced when the file is written, so that only one is in memory at a time. */
export interface StreamedTensor {
  readonly dtype: OnnxDtype;
  readonly shape: readonly number[];
  /** All data, little-endian and row-major, in pieces of any size; called once per write. */
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface ExternalTensor extends StreamedTensor {
  readonly name: string;
}

/** A finished graph: nodes in topological order, every value defined once. */
export interface OnnxGraph {
  readonly name: string;
  readonly irVersion: number;
  /** Operator set version by domain; '' is ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: readonly GraphNode[];
  readonly constants: readonly InlineTensor[];
  readonly weights: readonly ExternalTensor[];
}

export interface NodeOptions {
  /** Names of the outputs, or how many to name automatically; default 1. */
  readonly outputs?: number | readonly string[];
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Also the stem of automatic output names; default: the operator. */
  readonly name?: string;
}

/** A graph is built incorrectly: a defect of ours, never the user's error. */
export class GraphError extends SmolvlmError {}

/**
 * Builds an ONNX graph node by node. A value is represented by its name and must exist before it is used,
 * so the nodes are in topological order by construction, and nothing is renamed through Identity nodes.
 */
export class GraphBuilder {
  readonly #name: string;
  readonly #opsets: Readonly<Record<string, number>>;
  readonly #irVersion: number;
  readonly #defined = new Set<string>();
  readonly #nodeNames = new Set<string>();
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #nodes: GraphNode[] = [];
  readonly #constants: InlineTensor[] = [];
  readonly #weights: ExternalTensor[] = [];

  /** @param options.opsets e.g. `{ '': 17, 'com.microsoft': 1 }` @param options.irVersion default 8 (opset 17 and below) */
  constructor(
    name: string,
    options: { readonly opsets: Readonly<Record<string, number>>; readonly irVersion?: number },
  ) {
    this.#name = name;
    this.#opsets = options.opsets;
    this.#irVersion = options.irVersion ?? 8;
  }

  input(name: string, dtype: OnnxDtype, shape: readonly Dimension[]): string {
    this.#define(name);
    this.#inputs.push({ name, dtype, shape });
    return name;
  }

  /** Declares a value that a node already defines as an output of the graph. */
  output(name: string, dtype: OnnxDtype, shape: readonly Dimension[]): void {
    this.#require(name, 'output of the graph');
    this.#outputs.push({ name, dtype, shape });
  }

  /** A small tensor kept in the graph's own file. @param data a number is a scalar's value */
  constant(name: string, dtype: OnnxDtype, shape: readonly number[], data: TensorData): string {
    const bytes = littleEndianBytes(dtype, data);
    const expected = tensorBytes(dtype, shape);
    if (bytes.length !== expected) {
      throw new GraphError(
        'onnx-constant-size',
        `constant ${name}: ${dtype} [${shape}] is ${expected} bytes, received ${bytes.length}`,
      );
    }
    this.#define(name);
    this.#constants.push({ name, dtype, shape, bytes });
    return name;
  }

  /** A weight kept in the data file beside the graph, written with the model. */
  weight(name: string, tensor: StreamedTensor): string {
    this.#define(name);
    this.#weights.push({
      name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      chunks: () => tensor.chunks(),
    });
    return name;
  }

  /** A name that no value has yet: `stem`, else `stem_1`, `stem_2`, … */
  unusedName(stem: string): string {
    return unused(stem, this.#defined);
  }

  /** Adds a node with one output. @returns the output's name */
  op(op: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const [output] = this.node(op, inputs, options);
    if (output === undefined) throw new GraphError('onnx-no-output', `${op}: a node needs an output`);
    return output;
  }

  /** Adds a node. @returns the names of its outputs */
  node(op: string, inputs: readonly string[], options: NodeOptions = {}): readonly string[] {
    const name = unused(options.name ?? op, this.#nodeNames);
    const domain = options.domain ?? '';
    if (this.#opsets[domain] === undefined) {
      throw new GraphError('onnx-opset', `${name} (${op}): the graph imports no operator set "${domain}"`);
    }
    for (const input of inputs) if (input !== '') this.#require(input, `input of ${name} (${op})`);
    const requested = options.outputs ?? 1;
    const outputs: string[] = [];
    for (let index = 0; index < (typeof requested === 'number' ? requested : requested.length); index++) {
      const output =
        typeof requested === 'number' ? this.unusedName(`${name}_out`) : (requested[index] ?? '');
      if (output !== '') this.#define(output);
      outputs.push(output);
    }
    this.#nodeNames.add(name);
    this.#nodes.push({ name, op, domain, inputs, outputs, attributes: options.attributes ?? {} });
    return outputs;
  }

  build(): OnnxGraph {
    if (this.#outputs.length === 0) {
      throw new GraphError('onnx-no-output', `graph ${this.#name} has no output`);
    }
    return {
      name: this.#name,
      irVersion: this.#irVersion,
      opsets: this.#opsets,
      inputs: [...this.#inputs],
      outputs: [...this.#outputs],
      nodes: [...this.#nodes],
      constants: [...this.#constants],
      weights: [...this.#weights],
    };
  }

  #define(name: string): void {
    if (name === '' || this.#defined.has(name)) {
      throw new GraphError('onnx-name-taken', `graph ${this.#name}: the name "${name}" is empty or taken`);
    }
    this.#defined.add(name);
  }

  #require(name: string, role: string): void {
    if (!this.#defined.has(name)) {
      throw new GraphError('onnx-undefined', `graph ${this.#name}: "${name}", ${role}, is not defined yet`);
    }
  }
}

function unused(stem: string, taken: ReadonlySet<string>): string {
  let name = stem;
  for (let count = 1; taken.has(name); count++) name = `${stem}_${count}`;
  return name;
}

/** Node.js runs on little-endian machines only, so a typed array's memory is already in ONNX's order. */
function littleEndianBytes(dtype: OnnxDtype, data: TensorData): Uint8Array {
  const array = typeof data === 'number' ? scalar(dtype, data) : data;
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function scalar(dtype: OnnxDtype, value: number): Exclude<TensorData, number> {
  switch (dtype) {
    case 'float32':
      return Float32Array.of(value);
    case 'int64':
      return BigInt64Array.of(BigInt(value));
    case 'int32':
      return Int32Array.of(value);
    case 'int8':
      return Int8Array.of(value);
    case 'uint8':
    case 'bool':
      return Uint8Array.of(value);
    case 'float16':
      throw new GraphError('onnx-constant-size', 'expected the bits of a float16 scalar, as a Uint16Array');
  }
}
