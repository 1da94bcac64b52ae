import type { Node, NodeAPI, NodeMessage } from 'node-red';
import { SmolvlmError } from '../errors';

/** A field of the dialog with its type, e.g. `payload` of type `msg`. */
export interface TypedInput {
  readonly value: string;
  readonly type: string;
}

/**
 * The value of a typed input for this message. Asynchronous, because context stores may be.
 * @throws SmolvlmError `node-property` naming the field and its expression
 */
export async function evaluate(
  RED: NodeAPI,
  node: Node,
  { value, type }: TypedInput,
  message: NodeMessage,
  field: string,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      // Node-RED reads a property of what is not there.
      if (type === 'msg' && cause instanceof TypeError) {
        reject(
          new SmolvlmError('node-property', `${field}: the message has no msg.${value}`, {
            hint: 'Choose a property that it has: a debug node that shows the complete message lists them.',
            cause,
          }),
        );
        return;
      }
      const reason = reasonOf(cause);
      reject(
        new SmolvlmError('node-property', `${field}: ${type} "${value}" cannot be evaluated: ${reason}`, {
          hint: 'Open the node and correct the field.',
          cause,
        }),
      );
    };
    try {
      RED.util.evaluateNodeProperty(value, type, node, message, (error, result) => {
        if (error) fail(error);
        else resolve(result);
      });
    } catch (error) {
      fail(error);
    }
  });
}

/** JSONata throws objects that are not errors. */
function reasonOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null || !('message' in cause)) return String(cause);
  return String(cause.message);
}
