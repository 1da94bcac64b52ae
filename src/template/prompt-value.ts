import { types } from 'node:util';
import { SmolvlmError } from '../errors';

/**
 * The text of a value that becomes part of a prompt: a text, a number, true or false, a date, or a list of these.
 * Nothing is blank.
 * @param place where the value is from, e.g. `msg.prompt`
 * @throws SmolvlmError `node-property` for objects and buffers, whose text would tell a model nothing
 */
export function promptValue(value: unknown, place: string): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value) && value.every(isPlain)) return value.map(String).join(', ');
  if (isPlain(value)) return String(value);
  throw new SmolvlmError('node-property', `${place}: expected a text, received ${kindOf(value)}`, {
    hint: 'Choose the property that holds the text, such as msg.payload.label.',
  });
}

function isPlain(value: unknown): boolean {
  if (types.isDate(value) || types.isBoxedPrimitive(value)) return true;
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
}

function kindOf(value: unknown): string {
  if (ArrayBuffer.isView(value)) return 'a buffer';
  if (Array.isArray(value)) return 'a list of objects';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
