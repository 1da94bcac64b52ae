import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SmolvlmError } from '../../errors';
import type { Koffi, NativeFunction } from '../koffi-loader';

/**
 * Functions of onnxruntime's C API with their positions in its table `OrtApi`. The table only grows at its end, so a
 * position holds for every later release (onnxruntime_c_api.h). `Path` is a file name in the platform's own characters.
 */
const table = {
  GetErrorMessage: [2, 'const char *(void *status)'],
  CreateEnv: [3, 'void *(int level, const char *id, _Out_ void **env)'],
  CreateSession: [7, 'void *(void *env, Path path, void *options, _Out_ void **session)'],
  Run: [
    9,
    'void *(void *session, void *options, void *inputNames, void *inputs, size_t inputCount, void *outputNames, size_t outputCount, void *outputs)',
  ],
  CreateSessionOptions: [10, 'void *(_Out_ void **options)'],
  DisableMemPattern: [17, 'void *(void *options)'],
  DisableCpuMemArena: [19, 'void *(void *options)'],
  SetSessionGraphOptimizationLevel: [23, 'void *(void *options, int level)'],
  SetIntraOpNumThreads: [24, 'void *(void *options, int threads)'],
  SetInterOpNumThreads: [25, 'void *(void *options, int threads)'],
  SessionGetInputCount: [30, 'void *(void *session, _Out_ size_t *count)'],
  SessionGetOutputCount: [31, 'void *(void *session, _Out_ size_t *count)'],
  SessionGetInputTypeInfo: [33, 'void *(void *session, size_t index, _Out_ void **info)'],
  SessionGetOutputTypeInfo: [34, 'void *(void *session, size_t index, _Out_ void **info)'],
  SessionGetInputName: [36, 'void *(void *session, size_t index, void *allocator, _Out_ void **name)'],
  SessionGetOutputName: [37, 'void *(void *session, size_t index, void *allocator, _Out_ void **name)'],
  CreateTensorWithDataAsOrtValue: [
    49,
    'void *(void *info, void *data, size_t bytes, void *shape, size_t rank, int type, _Out_ void **value)',
  ],
  CastTypeInfoToTensorInfo: [55, 'void *(void *info, _Out_ void **tensorInfo)'],
  GetTensorElementType: [60, 'void *(void *tensorInfo, _Out_ int *type)'],
  GetDimensionsCount: [61, 'void *(void *tensorInfo, _Out_ size_t *count)'],
  GetDimensions: [62, 'void *(void *tensorInfo, void *sizes, size_t count)'],
  CreateCpuMemoryInfo: [69, 'void *(int allocator, int memory, _Out_ void **info)'],
  AllocatorFree: [76, 'void *(void *allocator, void *memory)'],
  GetAllocatorWithDefaultOptions: [78, 'void *(_Out_ void **allocator)'],
  ReleaseStatus: [93, 'void (void *status)'],
  ReleaseSession: [95, 'void (void *session)'],
  ReleaseValue: [96, 'void (void *value)'],
  ReleaseTypeInfo: [98, 'void (void *info)'],
  ReleaseSessionOptions: [100, 'void (void *options)'],
  ReleaseMemoryInfo: [94, 'void (void *info)'],
  AddSessionConfigEntry: [130, 'void *(void *options, const char *key, const char *value)'],
  CreateAndRegisterAllocator: [144, 'void *(void *env, void *info, void *configuration)'],
} as const;

type OrtFunction = keyof typeof table;

/** Of a release older than any that onnxruntime-node 1.30 may be replaced with, and newer than all functions above. */
const apiVersion = 16;
const tableEntries = 145;

/** ORT_LOGGING_LEVEL_ERROR. */
const logErrors = 3;
/** OrtDeviceAllocator and OrtArenaAllocator. */
const [noArena, arena] = [0, 1];
/** OrtMemTypeDefault. */
const defaultMemory = 0;

/** The C API of the library that onnxruntime-node contains. */
export class OrtLibrary {
  readonly #koffi: Koffi;
  readonly #functions: Readonly<Record<OrtFunction, NativeFunction>>;
  readonly env: bigint;
  /** OrtMemoryInfo of ordinary memory. */
  readonly memory: bigint;
  /** Sessions may allocate from one arena (`session.use_env_allocators`). */
  readonly hasSharedArena: boolean;

  private constructor(
    koffi: Koffi,
    /** Held, because koffi unloads a library that is not referenced. */
    readonly library: unknown,
    functions: Readonly<Record<OrtFunction, NativeFunction>>,
  ) {
    this.#koffi = koffi;
    this.#functions = functions;
    this.env = this.create('CreateEnv', logErrors, 'smolvlm');
    this.memory = this.create('CreateCpuMemoryInfo', noArena, defaultMemory);
    this.hasSharedArena = this.#registerArena();
  }

  /** @throws SmolvlmError `onnxruntime-library` */
  static load(koffi: Koffi, path = libraryPath()): OrtLibrary {
    try {
      const library = koffi.load(path);
      const getBase = library.func('void *OrtGetApiBase()');
      const [getApi = 0n] = addresses(koffi, getBase() as bigint, 1);
      const api = koffi.call(getApi, koffi.proto('void *(uint32_t version)'), apiVersion) as bigint | null;
      if (!api) throw new Error(`it has no API version ${apiVersion}`);
      const entries = addresses(koffi, api, tableEntries);
      const characters = process.platform === 'win32' ? 'const char16_t *' : 'const char *';
      const functions = Object.entries(table).map(([name, [position, prototype]]) => [
        name,
        koffi.decode(entries[position] ?? 0n, koffi.proto(prototype.replace('Path ', characters))),
      ]);
      return new OrtLibrary(koffi, library, Object.fromEntries(functions));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SmolvlmError('onnxruntime-library', `the C API of ${path} cannot be used: ${reason}`, {
        hint: 'Reinstall onnxruntime-node.',
        cause,
      });
    }
  }

  function(name: OrtFunction): NativeFunction {
    return this.#functions[name];
  }

  /** Calls a function that returns a status. @throws Error with the library's message */
  call(name: OrtFunction, ...args: unknown[]): void {
    this.check(this.#functions[name](...args));
  }

  /** Calls a function whose last parameter receives an object. @returns the object's address */
  create(name: OrtFunction, ...args: unknown[]): bigint {
    const out: (bigint | null)[] = [null];
    this.call(name, ...args, out);
    return out[0] as bigint;
  }

  /** Calls a function whose last parameter receives a number. */
  size(name: OrtFunction, ...args: unknown[]): number {
    const out = [0];
    this.call(name, ...args, out);
    return Number(out[0]);
  }

  /** @param address of characters that end with a zero */
  text(address: bigint): string {
    return this.#koffi.decode(address, 'char', -1);
  }

  /** @param status an OrtStatus, which is released; null is success @throws Error with the library's message */
  check(status: unknown): void {
    if (!status) return;
    const message = String(this.#functions.GetErrorMessage(status));
    this.#functions.ReleaseStatus(status);
    throw new Error(message);
  }

  address(memory: ArrayBufferView): bigint {
    return this.#koffi.address(memory);
  }

  /** The library's environment belongs to the process: another thread may have registered the arena. */
  #registerArena(): boolean {
    const info = this.create('CreateCpuMemoryInfo', arena, defaultMemory);
    try {
      this.call('CreateAndRegisterAllocator', this.env, info, null);
      return true;
    } catch (error) {
      return error instanceof Error && error.message.includes('already been registered');
    } finally {
      this.#functions.ReleaseMemoryInfo(info);
    }
  }
}

/** A table of addresses, copied. */
function addresses(koffi: Koffi, address: bigint, count: number): BigUint64Array {
  return new BigUint64Array(koffi.view(address, 8 * count).slice(0));
}

/** The library beside onnxruntime-node's own addon. */
function libraryPath(): string {
  const root = dirname(require.resolve('onnxruntime-node/package.json'));
  const folder = join(root, 'bin', 'napi-v6', process.platform, process.arch);
  const file = readdirSync(folder).find((name) => /^(lib)?onnxruntime\.(so|dll|.*dylib)/.test(name));
  return join(folder, file ?? 'onnxruntime');
}
