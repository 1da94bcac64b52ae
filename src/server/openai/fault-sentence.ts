import { receivedValue } from '../http/received-value';
import type { SchemaFault } from '../http/server-errors';

/** What a field should be and what it is, in words. @param fault of Ajv, with the value (`verbose`) */
export function faultSentence({ keyword, params = {}, message, data }: SchemaFault): string {
  const expected = expectation(keyword, params);
  if (expected === undefined) return message ?? 'is not valid';
  return `expected ${expected}, received ${receivedValue(keyword, data)}`;
}

function expectation(
  keyword: string | undefined,
  { type, allowedValues, limit }: Readonly<Record<string, unknown>>,
): string | undefined {
  switch (keyword) {
    case 'type':
      return [type]
        .flat()
        .map((name) => typeNames[String(name)])
        .join(' or ');
    case 'enum':
      return Array.isArray(allowedValues)
        ? `one of ${allowedValues.filter((value) => value !== null).join(', ')}`
        : undefined;
    case 'minimum':
      return `at least ${limit}`;
    case 'maximum':
      return `at most ${limit}`;
    case 'minItems':
      return `at least ${limit} in the list`;
    case 'maxItems':
      return `at most ${limit} in the list`;
    case 'minLength':
      return `at least ${limit} ${limit === 1 ? 'character' : 'characters'}`;
    case 'maxLength':
      return `at most ${limit} characters`;
    default:
      return undefined;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  array: 'a list',
  object: 'an object',
  boolean: 'true or false',
  number: 'a number',
  integer: 'a whole number',
  null: 'null',
};
