import { promisify } from 'node:util';
import type { NativeFunction } from './koffi-loader';

export type NativeCall = (...args: readonly unknown[]) => Promise<unknown>;

/** Arguments of calls under way, here and in no closure that may forget them early. */
const held = new Set<readonly unknown[]>();

/**
 * A native function on a thread of its own. koffi passes a buffer's address and does not keep the buffer: its memory is
 * held here until the call is back, also when nobody waits for it any more.
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
