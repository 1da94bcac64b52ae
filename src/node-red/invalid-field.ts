import { SmolvlmError } from '../errors';

/**
 * A field of a dialog, or a property of a message (`msg.…`), that holds something else than expected.
 * @param received cut to 100 characters
 */
export function invalidField(field: string, expected: string, received: unknown): SmolvlmError {
  return new SmolvlmError(
    'node-property',
    `${field}: expected ${expected}, received ${textOf(received).slice(0, 100)}`,
    { hint: field.startsWith('msg.') ? `Correct ${field}.` : 'Open the node and correct the field.' },
  );
}

/** An object without a prototype has no text. */
function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `an ${typeof value}`;
  }
}
