import { isBlank, isWithin, type NumberField } from '../node-red/number-field';
import { isFromEnvironment } from './dialog-fields';

/** Ids of the fields of a dialog begin so. */
export type FieldPrefix = '#node-input-' | '#node-config-input-';

/**
 * Marks a number outside the limits that the runtime enforces; the node's catalog says so below `invalid`.
 * @param limits may depend on the node's other fields
 */
export function within<Node extends EditorNode = EditorNode>(
  limits: NumberField | ((node: Node) => NumberField),
): NonNullable<EditorProperty['validate']> {
  return function (this: EditorNode, value, options) {
    const field = typeof limits === 'function' ? limits(this as Node) : limits;
    if (isBlank(value) || isFromEnvironment(value) || isWithin(field, value)) return true;
    const translate = (key: string, values: object): string => this._(`${this.type}.${key}`, values);
    return options ? translate(field.isWhole ? 'invalid.whole' : 'invalid.number', field) : false;
  };
}

/** Gives number fields their limits, and blank ones the number that is used instead. */
export function showLimits(prefix: FieldPrefix, fields: Readonly<Record<string, NumberField>>): void {
  for (const [name, { least, most, isWhole, standard }] of Object.entries(fields)) {
    const input = $(prefix + name).attr({ min: least, max: most });
    if (input.attr('step') === undefined) input.attr('step', isWhole ? '1' : 'any');
    if (standard !== undefined) input.attr('placeholder', standard);
  }
}
