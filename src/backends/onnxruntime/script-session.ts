import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type {
  Binding,
  BoundSession,
  BoundTensor,
  BoundTensors,
  SessionSignature,
  SignatureValue,
} from './bound-session';
import type { OnnxRuntime } from './onnxruntime-loader';

/**
 * onnxruntime-node computes into the tensors it is given for outputs. It then copies them into the result of the run,
 * which is discarded.
 */
export class ScriptSession implements BoundSession {
  readonly signature: SessionSignature;
  readonly #runtime: OnnxRuntime;
  readonly #session: InferenceSession;
  readonly #running = new Set<Promise<unknown>>();

  constructor(runtime: OnnxRuntime, session: InferenceSession) {
    this.#runtime = runtime;
    this.#session = session;
    this.signature = {
      inputs: session.inputMetadata.map(signatureValue),
      outputs: session.outputMetadata.map(signatureValue),
    };
  }

  bind(inputs: BoundTensors, outputs: BoundTensors): Binding {
    const feeds = this.#tensors(inputs);
    const fetches = this.#tensors(outputs);
    return {
      run: async () => {
        const run = this.#session.run(feeds, fetches);
        const ended = run.catch(() => undefined);
        this.#running.add(ended);
        await run.finally(() => this.#running.delete(ended));
      },
      close: () => undefined,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#running);
    await this.#session.release();
  }

  #tensors(bound: BoundTensors): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(bound).map(([name, tensor]) => [name, this.#tensor(tensor)]));
  }

  #tensor({ data, shape }: BoundTensor): Tensor {
    const { Tensor } = this.#runtime;
    if (data instanceof Float32Array) return new Tensor('float32', data, shape);
    if (data instanceof Int32Array) return new Tensor('int32', data, shape);
    return new Tensor('int64', data, shape);
  }
}

function signatureValue(value: InferenceSession.ValueMetadata): SignatureValue {
  const { name } = value;
  return value.isTensor ? { name, tensor: { dtype: value.type, shape: value.shape } } : { name };
}
