import { SmolvlmError } from '../../errors';
import { SystemFiles } from '../../platform/recording/system-files';
import { findRuntimeLibraries, runtimeVariable } from '../../platform/runtime-library';
import { englishText } from '../../protocol/findings/finding-phrase';
import { type Koffi, loadKoffi, type NativeFunction } from '../koffi-loader';
import { type NativeCall, nativeCall } from '../native-call';
import {
  abiOf,
  abiOfDefaults,
  defaultsFit,
  paramRoom,
  type RkllmAbi,
  type RkllmLayout,
  rkllmLayouts,
} from './rkllm-abi';

const prototypes = {
  rkllm_init: 'int rkllm_init(void *handle, void *param, void *callback)',
  rkllm_destroy: 'int rkllm_destroy(void *handle)',
  rkllm_run: 'int rkllm_run(void *handle, void *input, void *infer, void *userdata)',
  rkllm_abort: 'int rkllm_abort(void *handle)',
  rkllm_set_chat_template:
    'int rkllm_set_chat_template(void *handle, const char *system, const char *prefix, const char *postfix)',
} as const;

type RkllmSymbol = keyof typeof prototypes;

/** Of the result callback: `int (RKLLMResult *result, void *userdata, int state)`. */
const callbackPrototype = 'int (void *result, void *userdata, int state)';

/** The loaded librkllmrt and its structure layout. */
export class RkllmLibrary {
  readonly #koffi: Koffi;
  readonly #library: ReturnType<Koffi['load']>;
  readonly #calls = new Map<RkllmSymbol, NativeCall>();
  readonly #strlen: NativeFunction;

  private constructor(
    koffi: Koffi,
    library: ReturnType<Koffi['load']>,
    readonly path: string,
    readonly version: string | undefined,
    readonly abi: RkllmAbi,
  ) {
    this.#koffi = koffi;
    this.#library = library;
    for (const [name, prototype] of Object.entries(prototypes) as [RkllmSymbol, string][]) {
      this.#calls.set(name, nativeCall(library.func(prototype)));
    }
    this.#strlen = library.func('size_t strlen(void *text)');
  }

  /**
   * @param path the only library to load; default: `SMOLVLM_RKLLM_LIBRARY`, else the usual places
   * @param abi overrides the layout of the library's version
   * @throws SmolvlmError `backend-rkllm-library`, `backend-rkllm-abi` for unknown structures, `backend-koffi`
   */
  static async load(path?: string, abi?: RkllmAbi): Promise<RkllmLibrary> {
    const [found] = findRuntimeLibraries(new SystemFiles(), 'rkllm', path);
    if (!found || found.fault !== undefined)
      throw libraryError(found?.path, englishText(found?.fault ?? 'it is not installed'));
    const { version } = found;
    const knownAbi = abi ?? abiOf(version);
    // A library that reports an unknown release is not called at all.
    if (!knownAbi && version !== undefined) throw abiError(`${found.path} is release ${version}`);
    const koffi = await loadKoffi();
    try {
      const library = koffi.load(found.path);
      const chosen = knownAbi ?? probeAbi(koffi, library);
      if (!chosen) throw abiError(`${found.path} does not report its release`);
      return new RkllmLibrary(koffi, library, found.path, version, chosen);
    } catch (cause) {
      if (cause instanceof SmolvlmError) throw cause;
      throw libraryError(found.path, cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  get layout(): RkllmLayout {
    return rkllmLayouts[this.abi];
  }

  /** @returns the function's status; 0 is success */
  async call(name: RkllmSymbol, ...args: unknown[]): Promise<number> {
    return (await this.#calls.get(name)?.(...args)) as number;
  }

  /** `RKLLMParam` with the library's defaults. @throws SmolvlmError `backend-rkllm-abi` when they are not where expected */
  defaultParam(): Buffer {
    const param = defaults(this.#koffi, this.#library);
    if (defaultsFit(param, this.layout)) return param.subarray(0, this.layout.param.size);
    throw abiError(`${this.path} does not have its defaults where release ${this.abi} has them`);
  }

  /** Registers a callback for results; `forget` unregisters it. */
  onResult(listener: (result: bigint, state: number) => number): bigint {
    const type = this.#koffi.pointer(this.#koffi.proto(callbackPrototype));
    const callback = (result: unknown, _userdata: unknown, state: number): number =>
      listener(result as bigint, state);
    return this.#koffi.register(callback as (...args: never[]) => unknown, type);
  }

  forget(callback: bigint): void {
    this.#koffi.unregister(callback);
  }

  /** A C string's bytes, copied; empty for a null pointer. */
  textAt(address: bigint): Buffer {
    if (address === 0n) return Buffer.alloc(0);
    const length = Number(this.#strlen(address));
    return length === 0 ? Buffer.alloc(0) : Buffer.from(Buffer.from(this.#koffi.view(address, length)));
  }

  /** A view of the memory at an address, not a copy. */
  view(address: bigint, bytes: number): ArrayBuffer {
    return this.#koffi.view(address, bytes);
  }

  /** A copy outside the JavaScript heap. Free it with `release`. @returns its address */
  copy(bytes: Uint8Array): bigint {
    const address = this.#koffi.alloc('uint8_t', bytes.length);
    new Uint8Array(this.view(address, bytes.length)).set(bytes);
    return address;
  }

  release(address: bigint): void {
    this.#koffi.free(address);
  }
}

/** For a library that does not report its release: its symbols show 1.2.1 or later, its defaults the layout. */
function probeAbi(koffi: Koffi, library: ReturnType<Koffi['load']>): RkllmAbi | undefined {
  try {
    library.func('int rkllm_set_function_tools(void *handle, const char *a, const char *b, const char *c)');
  } catch {
    return undefined;
  }
  return abiOfDefaults(defaults(koffi, library));
}

/** Returned by value by `rkllm_createDefaultParam`; bytes after it are meaningless. */
function defaults(koffi: Koffi, library: ReturnType<Koffi['load']>): Buffer {
  const type = koffi.struct(null, { bytes: koffi.array('uint8_t', paramRoom) });
  const create = library.func('rkllm_createDefaultParam', type, []);
  const { bytes } = create() as { readonly bytes: ArrayLike<number> };
  return Buffer.from(Uint8Array.from(bytes));
}

function abiError(message: string): SmolvlmError {
  return new SmolvlmError('backend-rkllm-abi', message, {
    hint: 'Its structures are unknown, and wrong ones make it crash. Install librkllmrt 1.2.1 to 1.2.3 or 1.3, or set the layout: SMOLVLM_RKLLM_ABI=1.2 or 1.3.',
  });
}

function libraryError(path: string | undefined, reason: string, cause?: unknown): SmolvlmError {
  return new SmolvlmError('backend-rkllm-library', `${path ?? 'librkllmrt.so'} cannot be used: ${reason}`, {
    hint: `Put the vendor's librkllmrt.so into /usr/lib, or name it: ${runtimeVariable('rkllm')}. The decoder on the CPU does not need it.`,
    cause,
  });
}
