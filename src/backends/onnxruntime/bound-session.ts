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

/** A session that reads and writes the caller's memory; an output may be an input's memory. */
export interface BoundSession {
  bind(inputs: BoundTensors, outputs: BoundTensors): Binding;
  /** Waits for runs in progress. */
  close(): Promise<void>;
}
