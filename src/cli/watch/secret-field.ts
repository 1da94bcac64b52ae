import { readFileSync } from 'node:fs';
import type { FieldFault, JsonObject } from '../../system/json/json-fields';
import { isJsonObject } from '../../system/json/json-fields';

/**
 * A text, or where it stands: `{ env: NAME }` or `{ file: PATH }`. Errors do not repeat the value.
 * @throws what `fault` makes
 */
export function secretField(
  object: JsonObject,
  key: string,
  place: string,
  fault: FieldFault,
  environment: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const value = object[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  const [name, ...others] = isJsonObject(value) ? Object.keys(value) : [];
  const source = isJsonObject(value) && name !== undefined ? value[name] : undefined;
  if (typeof source !== 'string' || others.length > 0 || (name !== 'env' && name !== 'file')) {
    throw fault(`${place}${key}: expected a string, {env: NAME} or {file: PATH}`);
  }
  if (name === 'env') {
    const text = environment[source];
    if (text === undefined || text === '') {
      throw fault(`${place}${key}: the environment variable ${source} is not set`);
    }
    return text;
  }
  try {
    return readFileSync(source, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    throw fault(`${place}${key}: the file ${source} cannot be read (${code})`);
  }
}
