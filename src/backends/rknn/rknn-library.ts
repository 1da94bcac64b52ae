import { SmolvlmError } from '../../errors';
import { SystemFiles } from '../../platform/recording/system-files';
import { findRuntimeLibraries, runtimeVariable } from '../../platform/runtime-library';
import { englishText } from '../../protocol/findings/finding-phrase';
import { type Koffi, loadKoffi, type NativeFunction } from '../koffi-loader';
import { type NativeCall, nativeCall } from '../native-call';

/** Every function the binding may call, as declared for koffi. */
const prototypes = {
  rknn_init: 'int rknn_init(void *ctx, const char *model, uint32_t size, uint32_t flag, void *extend)',
  rknn_destroy: 'int rknn_destroy(uint64_t ctx)',
  rknn_query: 'int rknn_query(uint64_t ctx, int cmd, void *info, uint32_t size)',
  rknn_set_core_mask: 'int rknn_set_core_mask(uint64_t ctx, int mask)',
  rknn_inputs_set: 'int rknn_inputs_set(uint64_t ctx, uint32_t n, void *inputs)',
  rknn_run: 'int rknn_run(uint64_t ctx, void *extend)',
  rknn_outputs_get: 'int rknn_outputs_get(uint64_t ctx, uint32_t n, void *outputs, void *extend)',
  rknn_outputs_release: 'int rknn_outputs_release(uint64_t ctx, uint32_t n, void *outputs)',
  rknn_create_mem: 'void *rknn_create_mem(uint64_t ctx, uint32_t size)',
  rknn_create_mem_from_fd:
    'void *rknn_create_mem_from_fd(uint64_t ctx, int32_t fd, void *virt, uint32_t size, int32_t offset)',
  rknn_destroy_mem: 'int rknn_destroy_mem(uint64_t ctx, void *mem)',
  rknn_set_internal_mem: 'int rknn_set_internal_mem(uint64_t ctx, void *mem)',
  rknn_set_io_mem: 'int rknn_set_io_mem(uint64_t ctx, void *mem, void *attr)',
} as const;

export type RknnSymbol = keyof typeof prototypes;

/** Required to run a stage; the others are for options. */
const needed: readonly RknnSymbol[] = [
  'rknn_init',
  'rknn_destroy',
  'rknn_query',
  'rknn_set_core_mask',
  'rknn_inputs_set',
  'rknn_run',
  'rknn_outputs_get',
  'rknn_outputs_release',
];

/** The loaded librknnrt. Every call runs on a separate thread and leaves the event loop free. */
export class RknnLibrary {
  readonly #koffi: Koffi;
  readonly #calls: ReadonlyMap<RknnSymbol, NativeCall>;

  private constructor(
    koffi: Koffi,
    /** The file that was loaded. */
    readonly path: string,
    /** `x.y.z`, from the file's text; undefined if it is not there. */
    readonly version: string | undefined,
    calls: ReadonlyMap<RknnSymbol, NativeCall>,
  ) {
    this.#koffi = koffi;
    this.#calls = calls;
  }

  /**
   * @param path the only library to load; default: `SMOLVLM_RKNN_LIBRARY`, else the usual places
   * @throws SmolvlmError `backend-rknn-library` when there is none or it cannot be loaded, `backend-koffi`
   */
  static async load(path?: string): Promise<RknnLibrary> {
    const [found] = findRuntimeLibraries(new SystemFiles(), 'rknn', path);
    if (!found || found.fault !== undefined)
      throw libraryError(found?.path, englishText(found?.fault ?? 'it is not installed'));
    const koffi = await loadKoffi();
    let library: ReturnType<Koffi['load']>;
    try {
      library = koffi.load(found.path);
    } catch (cause) {
      throw libraryError(found.path, cause instanceof Error ? cause.message : String(cause), cause);
    }
    const calls = new Map<RknnSymbol, NativeCall>();
    for (const [name, prototype] of Object.entries(prototypes) as [RknnSymbol, string][]) {
      const declared = declare(library, prototype);
      if (declared) calls.set(name, nativeCall(declared));
    }
    const missing = needed.filter((name) => !calls.has(name));
    if (missing.length > 0) throw libraryError(found.path, `it lacks ${missing.join(', ')}`);
    return new RknnLibrary(koffi, found.path, found.version, calls);
  }

  /** @returns the function's status: 0 is success, a negative value is an `RKNN_ERR_…` */
  async call(name: RknnSymbol, ...args: unknown[]): Promise<number> {
    return (await this.#call(name)(...args)) as number;
  }

  /** @returns the address that a function returns; 0n for a null pointer */
  async callForAddress(name: RknnSymbol, ...args: unknown[]): Promise<bigint> {
    return ((await this.#call(name)(...args)) as bigint | null) ?? 0n;
  }

  /** Memory outside the JavaScript heap, for calls that keep an address. Free it with `release`. */
  allocate(bytes: number): { readonly address: bigint; readonly memory: ArrayBuffer } {
    const address = this.#koffi.alloc('uint8_t', bytes);
    return { address, memory: this.view(address, bytes) };
  }

  /** A view of the memory at an address, not a copy. */
  view(address: bigint, bytes: number): ArrayBuffer {
    return this.#koffi.view(address, bytes);
  }

  release(address: bigint): void {
    this.#koffi.free(address);
  }

  #call(name: RknnSymbol): NativeCall {
    const call = this.#calls.get(name);
    if (call) return call;
    const version = this.version ?? 'of an unknown version';
    throw new SmolvlmError('backend-rknn-symbol', `${this.path} (${version}) has no ${name}`, {
      hint: 'This option needs a newer librknnrt: 2.0.0 or later.',
    });
  }
}

function declare(library: ReturnType<Koffi['load']>, prototype: string): NativeFunction | undefined {
  try {
    return library.func(prototype);
  } catch {
    return undefined;
  }
}

function libraryError(path: string | undefined, reason: string, cause?: unknown): SmolvlmError {
  return new SmolvlmError('backend-rknn-library', `${path ?? 'librknnrt.so'} cannot be used: ${reason}`, {
    hint: `Put the vendor's librknnrt.so into /usr/lib, or name it: ${runtimeVariable('rknn')}. smolvlm doctor shows what this machine has.`,
    cause,
  });
}
