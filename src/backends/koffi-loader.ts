import { SmolvlmError } from '../errors';

/** A C function; `async` runs it on a separate thread and calls back with an error or the result. */
export interface NativeFunction {
  (...args: unknown[]): unknown;
  async(...argumentsAndCallback: unknown[]): void;
}

/** The part of koffi 3 that the bindings use; its own types are those of an ES module. Pointers are addresses. */
export interface Koffi {
  load(path: string): {
    func(prototype: string): NativeFunction;
    func(name: string, result: unknown, args: readonly unknown[]): NativeFunction;
  };
  alloc(type: string, count: number): bigint;
  /** A view of the memory at an address, not a copy. */
  view(address: bigint, bytes: number): ArrayBuffer;
  free(address: bigint): void;
  /** Of a typed array's or buffer's memory. */
  address(memory: ArrayBufferView): bigint;
  /** Calls the function at an address. */
  call(address: bigint, type: unknown, ...args: readonly unknown[]): unknown;
  /** The function at an address. */
  decode(address: bigint, type: unknown): NativeFunction;
  /** Characters that end with a zero. */
  decode(address: bigint, type: 'char', length: -1): string;
  /** A structure that a function returns by value. */
  struct(name: string | null, fields: Readonly<Record<string, unknown>>): unknown;
  array(type: string, length: number): unknown;
  proto(definition: string): unknown;
  pointer(type: unknown): unknown;
  /** A function that C may call from any thread; it runs on this one. @returns its address */
  register(callback: (...args: never[]) => unknown, type: unknown): bigint;
  unregister(callback: bigint): void;
}

/** Loads koffi, an optional dependency: an NPU needs it, a CPU is faster with it. @throws SmolvlmError `backend-koffi` */
export async function loadKoffi(): Promise<Koffi> {
  try {
    const loaded = (await import('koffi')) as unknown as Koffi & { readonly default?: Koffi };
    return loaded.default ?? loaded;
  } catch (cause) {
    throw new SmolvlmError(
      'backend-koffi',
      'the package koffi, which calls the NPU’s library, cannot be loaded',
      { hint: 'Install this package without --omit=optional on the machine with the NPU.', cause },
    );
  }
}
