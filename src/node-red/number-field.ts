import { invalidField } from './invalid-field';

/** A number of a dialog: its limits, which the dialog shows and the runtime enforces. */
export interface NumberField {
  readonly least: number;
  readonly most: number;
  /** Whole numbers only. */
  readonly isWhole?: boolean;
  /** Used when the field is blank, and shown in it. */
  readonly standard?: number;
}

/** Whether a field holds nothing; spaces count as nothing. */
export function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** Whether a value, which is not blank, is a number within the field's limits. */
export function isWithin({ least, most, isWhole = false }: NumberField, value: unknown): boolean {
  if (typeof value !== 'number' && typeof value !== 'string') return false;
  const number = Number(value);
  return number >= least && number <= most && (!isWhole || Number.isInteger(number));
}

/**
 * The number that a dialog holds.
 * @returns the field's standard value when it is blank; undefined when it has none
 * @throws SmolvlmError `node-property` naming the field, its limits and what it holds
 */
export function fieldNumber<Field extends NumberField>(
  value: string | number | undefined,
  name: string,
  field: Field,
): Field extends { readonly standard: number } ? number : number | undefined {
  if (isBlank(value)) return field.standard as never;
  if (isWithin(field, value)) return Number(value) as never;
  const { least, most, isWhole = false } = field;
  throw invalidField(name, `a ${isWhole ? 'whole number' : 'number'} from ${least} to ${most}`, value);
}
