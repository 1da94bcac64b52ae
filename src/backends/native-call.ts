import { promisify } from 'node:util';
import type { NativeFunction } from './koffi-loader';

export type NativeCall = (...args: readonly unknown[]) => Promise<unknown>;

/** Arguments of running calls. A closure could release them too early. */
const held = new Set<readonly unknown[]>();

/**
 * Runs a native function on a separate thread. koffi passes a buffer's address and does not keep the buffer: its memory is
 * held here until the call returns, even if its caller no longer waits.
 */
export function nativeCall(declared: NativeFunction): NativeCall {
  const call = promisify(declared.async.bind(declared)) as NativeCall;
  return async (...args) => {
    held.add(args);
    try {
      return await call(...args);
    } finally {
      held.delete(args);
    }
  };
}
