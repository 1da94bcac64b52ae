import { invalidField } from '../invalid-field';
import { fieldNumber } from '../number-field';
import { frameFields } from './frame-fields';

/** @throws SmolvlmError `node-property` */
export function frameNumber<Name extends keyof typeof frameFields>(
  dialog: Readonly<Partial<Record<Name, string | number>>>,
  name: Name,
): ReturnType<typeof fieldNumber<(typeof frameFields)[Name]>> {
  return fieldNumber(dialog[name], name, frameFields[name]);
}

export function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

/** An array, or one as JSON. @throws SmolvlmError `node-property` */
export function frameList<T>(value: unknown, field: string, isOne: (each: unknown) => boolean): readonly T[] {
  let parsed: unknown = value ?? [];
  if (typeof parsed === 'string') {
    try {
      parsed = parsed.trim() === '' ? [] : (JSON.parse(parsed) as unknown);
    } catch {
      throw invalidField(field, 'a JSON array', String(value));
    }
  }
  if (Array.isArray(parsed) && parsed.every(isOne)) return parsed as T[];
  throw invalidField(field, 'shapes in fractions of the picture, 0 to 1', JSON.stringify(value));
}
