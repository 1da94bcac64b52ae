import { SmolvlmError } from '../../errors';

export type SchemaRecord = Readonly<Record<string, unknown>>;

/** A schema that is not supported, or contradicts itself. @param path its place */
export function schemaFault(path: string, expected: string, received: unknown): SmolvlmError {
  const text = received === undefined ? 'nothing' : JSON.stringify(received).slice(0, 80);
  return new SmolvlmError('request-json-schema', `${path}: ${expected}, received ${text}`, {
    hint: 'The supported part of JSON Schema is listed in docs/protocol.md.',
  });
}

/** @throws SmolvlmError when the value is given and is not a whole number from `least` to `most` */
export function wholeNumber(value: unknown, path: string, least: number, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw schemaFault(path, `expected an integer from ${least} to ${most}`, value);
}

/** @throws SmolvlmError when the value is given and is not a finite number */
export function finiteNumber(value: unknown, path: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw schemaFault(path, 'expected a number', value);
}

export function isRecord(value: unknown): value is SchemaRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
