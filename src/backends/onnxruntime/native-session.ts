import { type NativeCall, nativeCall } from '../native-call';
import type { Binding, BoundSession, BoundTensor, BoundTensors, SessionSignature } from './bound-session';
import { nativeSignature } from './native-signature';
import type { OrtLibrary } from './ort-library';
import { type SessionRole, type SessionSettings, sessionThreads } from './session-options';

/** ORT_ENABLE_ALL and ORT_ENABLE_BASIC. */
const [allOptimizations, basicOptimizations] = [99, 1];

/**
 * Opens a graph through the C API, with the options of `sessionOptions`. Stages also share one arena, and run on the calling
 * thread: on libuv's threads each of malloc's arenas would keep what a stage's activations take (docs/decisions/inference.md).
 */
export async function openNativeSession(
  library: OrtLibrary,
  path: string,
  settings: SessionSettings,
  role: SessionRole,
): Promise<BoundSession> {
  const options = library.create('CreateSessionOptions');
  const { kernels = 'all' } = settings;
  try {
    library.call('DisableMemPattern', options);
    const sharesArena = role === 'stage' && library.hasSharedArena;
    if (!sharesArena) library.call('DisableCpuMemArena', options);
    const level = kernels === 'unfused' ? basicOptimizations : allOptimizations;
    library.call('SetSessionGraphOptimizationLevel', options, level);
    library.call('SetIntraOpNumThreads', options, sessionThreads(settings));
    library.call('SetInterOpNumThreads', options, 1);
    const configure = (key: string, value: string): void =>
      library.call('AddSessionConfigEntry', options, key, value);
    configure('session.intra_op.allow_spinning', role === 'decoder' ? '1' : '0');
    configure('session.force_spinning_stop', '1');
    if (sharesArena) configure('session.use_env_allocators', '1');
    configure('session.x64quantprecision', '1');
    if (kernels !== 'all') configure('mlas.disable_kleidiai', '1');
    const session: (bigint | null)[] = [null];
    const create = nativeCall(library.function('CreateSession'));
    library.check(await create(library.env, path, options, session));
    return new NativeSession(library, session[0] as bigint, role);
  } finally {
    library.function('ReleaseSessionOptions')(options);
  }
}

class NativeSession implements BoundSession {
  readonly signature: SessionSignature;
  readonly #library: OrtLibrary;
  readonly #session: bigint;
  readonly #run: NativeCall;
  readonly #open = new Set<NativeBinding>();

  constructor(library: OrtLibrary, session: bigint, role: SessionRole) {
    this.#library = library;
    this.#session = session;
    this.signature = nativeSignature(library, session);
    const run = library.function('Run');
    this.#run = role === 'stage' ? async (...args) => run(...args) : nativeCall(run);
  }

  bind(inputs: BoundTensors, outputs: BoundTensors): Binding {
    const binding = new NativeBinding(this.#library, inputs, outputs, {
      run: (...args) => this.#run(this.#session, null, ...args),
      closed: () => this.#open.delete(binding),
    });
    this.#open.add(binding);
    return binding;
  }

  async close(): Promise<void> {
    const open = [...this.#open];
    for (const binding of open) binding.close();
    await Promise.all(open.map(({ idle }) => idle));
    await nativeCall(this.#library.function('ReleaseSession'))(this.#session);
  }
}

interface BindingOwner {
  readonly run: NativeCall;
  readonly closed: () => void;
}

/** The session holds it, and with it the memory that the library reads and writes, until it is closed. */
class NativeBinding implements Binding {
  readonly #library: OrtLibrary;
  readonly #owner: BindingOwner;
  readonly #values: ReadonlyMap<BoundTensor, bigint>;
  readonly #arguments: readonly unknown[];
  /** Names, referenced by address only. */
  readonly held: Buffer[] = [];
  /** The run in progress. */
  idle: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(library: OrtLibrary, inputs: BoundTensors, outputs: BoundTensors, owner: BindingOwner) {
    this.#library = library;
    this.#owner = owner;
    const tensors = new Set([...Object.values(inputs), ...Object.values(outputs)]);
    this.#values = new Map([...tensors].map((tensor) => [tensor, ortValue(library, tensor)]));
    this.#arguments = [...this.#side(inputs), ...this.#side(outputs, true)];
  }

  async run(): Promise<void> {
    const run = this.#owner.run(...this.#arguments);
    this.idle = run.catch(() => undefined);
    this.#library.check(await run);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.idle = this.idle.then(() => {
      for (const value of this.#values.values()) this.#library.function('ReleaseValue')(value);
      this.#owner.closed();
    });
  }

  /** @returns arguments of Run: inputs are names, values, count; outputs are names, count, values */
  #side(tensors: BoundTensors, isOutput = false): readonly unknown[] {
    const names = Object.keys(tensors).map((name) => {
      const text = Buffer.from(`${name}\0`);
      this.held.push(text);
      return this.#library.address(text);
    });
    const values = Object.values(tensors).map((tensor) => this.#values.get(tensor) ?? 0n);
    const [nameList, valueList] = [BigUint64Array.from(names), BigUint64Array.from(values)];
    return isOutput ? [nameList, names.length, valueList] : [nameList, valueList, names.length];
  }
}

/** ONNXTensorElementDataType. */
const elementType = { Float32Array: 1, Int32Array: 6, BigInt64Array: 7 } as const;

function ortValue(library: OrtLibrary, { data, shape }: BoundTensor): bigint {
  const type = elementType[data.constructor.name as keyof typeof elementType];
  const sizes = BigInt64Array.from(shape.map(BigInt));
  return library.create(
    'CreateTensorWithDataAsOrtValue',
    library.memory,
    data,
    data.byteLength,
    sizes,
    shape.length,
    type,
  );
}
