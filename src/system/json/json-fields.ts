import { readFile } from 'node:fs/promises';
import type { SmolvlmError } from '../../errors';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Makes an error about the file that is read: `message` names the key and the value. */
export type FieldFault = (message: string) => SmolvlmError;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a file that contains one JSON object. @returns undefined when the file does not exist */
export async function readJsonObject(path: string, fault: FieldFault): Promise<JsonObject | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return parseJsonObject(text, fault);
}

export function parseJsonObject(text: string, fault: FieldFault): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fault(`is not JSON: ${(error as Error).message}`);
  }
  if (!isJsonObject(value)) throw fault(`expected a JSON object, received ${shown(value)}`);
  return value;
}

/** A value, shortened for an error message. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/**
 * Typed access to one JSON object. `null` counts as absent, as transformers writes it for an unset key.
 * Every method throws the given error, with the key's full path, for a value of another kind.
 */
export class JsonFields {
  readonly #object: JsonObject;
  readonly #fault: FieldFault;
  readonly #path: string;

  constructor(object: JsonObject, fault: FieldFault, path = '') {
    this.#object = object;
    this.#fault = fault;
    this.#path = path;
  }

  has(key: string): boolean {
    return this.#object[key] !== undefined && this.#object[key] !== null;
  }

  /** The value of an optional key. @returns undefined when the key is absent */
  optional<T>(key: string, read: (key: string) => T): T | undefined {
    return this.has(key) ? read(key) : undefined;
  }

  /** A whole number > 0. */
  count(key: string, absent?: number): number {
    return this.number(key, absent, 'a whole number above 0', (n) => Number.isSafeInteger(n) && n > 0);
  }

  /** A whole number ≥ 0. */
  index(key: string, absent?: number): number {
    return this.number(key, absent, 'a whole number of 0 or more', (n) => Number.isSafeInteger(n) && n >= 0);
  }

  /** A finite number > 0. */
  positive(key: string, absent?: number): number {
    return this.number(key, absent, 'a number above 0', (n) => Number.isFinite(n) && n > 0);
  }

  /** Any finite number. */
  finite(key: string, absent?: number): number {
    return this.number(key, absent, 'a number', Number.isFinite);
  }

  boolean(key: string, absent?: boolean): boolean {
    const value = this.#object[key] ?? absent;
    if (typeof value !== 'boolean') throw this.wrong(key, 'true or false');
    return value;
  }

  string(key: string, absent?: string): string {
    const value = this.#object[key] ?? absent;
    if (typeof value !== 'string' || value === '') throw this.wrong(key, 'a non-empty string');
    return value;
  }

  oneOf<const T extends string>(key: string, allowed: readonly T[]): T {
    const value = allowed.find((each) => each === this.#object[key]);
    if (value === undefined) throw this.wrong(key, allowed.map((each) => `"${each}"`).join(' or '));
    return value;
  }

  numbers(key: string, absent?: readonly number[]): readonly number[] {
    const value = this.#object[key] ?? absent;
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'number' && Number.isFinite(each))) {
      throw this.wrong(key, 'a list of numbers');
    }
    return value;
  }

  /** The fields of a nested object; those of an empty one when `optional` and absent. */
  child(key: string, optional = false): JsonFields {
    const value = this.#object[key] ?? (optional ? {} : undefined);
    if (!isJsonObject(value)) throw this.wrong(key, 'an object');
    return new JsonFields(value, this.#fault, `${this.#path}${key}.`);
  }

  /** The fields of each object of a list. */
  objects(key: string): readonly JsonFields[] {
    const value = this.#object[key];
    if (!Array.isArray(value)) throw this.wrong(key, 'a list');
    return value.map((each, index) => {
      if (!isJsonObject(each)) {
        throw this.#fault(`${this.#path}${key}[${index}]: expected an object, received ${shown(each)}`);
      }
      return new JsonFields(each, this.#fault, `${this.#path}${key}[${index}].`);
    });
  }

  raw(key: string): unknown {
    return this.#object[key] ?? undefined;
  }

  /** @returns the error to throw for a key whose value is not what was expected */
  wrong(key: string, expected: string): SmolvlmError {
    return this.#fault(`${this.#path}${key}: expected ${expected}, received ${shown(this.#object[key])}`);
  }

  private number(
    key: string,
    absent: number | undefined,
    expected: string,
    ok: (value: number) => boolean,
  ): number {
    const value = this.#object[key] ?? absent;
    if (typeof value !== 'number' || !ok(value)) throw this.wrong(key, expected);
    return value;
  }
}
