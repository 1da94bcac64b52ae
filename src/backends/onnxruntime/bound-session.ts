/** Memory that a session reads or writes in place. */
export interface BoundTensor {
  readonly data: Float32Array | Int32Array | BigInt64Array;
  readonly shape: readonly number[];
}

export type BoundTensors = Readonly<Record<string, BoundTensor>>;

/** One set of inputs and outputs, for any number of runs. */
export interface Binding {
  /** Computes the outputs from what the inputs hold now. */
  run(): Promise<void>;
  /** Waits for a run in progress in the background; the memory stays valid until then. */
  close(): void;
}

/** An input or output of a graph. */
export interface SignatureValue {
  readonly name: string;
  /** Absent for another kind of value. An axis of any length is -1 or its name. */
  readonly tensor?: { readonly dtype: string; readonly shape: readonly (number | string)[] };
}

export interface SessionSignature {
  readonly inputs: readonly SignatureValue[];
  readonly outputs: readonly SignatureValue[];
}

/** A session that reads and writes the caller's memory; an output may be an input's memory. */
export interface BoundSession {
  readonly signature: SessionSignature;
  bind(inputs: BoundTensors, outputs: BoundTensors): Binding;
  /** Waits for runs in progress. */
  close(): Promise<void>;
}
