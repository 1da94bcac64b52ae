import { isBlank, isWithin, type NumberField } from '../node-red/number-field';
import type { Translate } from './editor-language';

/** Ids of the fields of a dialog begin so. */
export type FieldPrefix = '#node-input-' | '#node-config-input-';

/** Which kind of field an environment variable fills in when the flow starts: it cannot be checked before. */
export function isFromEnvironment(value: unknown): boolean {
  return /^\$\{.+\}$/.test(String(value));
}

/** Looks up a text below the node's own part of the catalog. */
export function translator(node: EditorNode): Translate {
  return (key, values) => node._(`${node.type}.${key}`, values);
}

/** Marks a number outside the limits that the runtime enforces; the catalog has its text as `invalid.number`. */
export function within(field: NumberField): NonNullable<EditorProperty['validate']> {
  return function (this: EditorNode, value, options) {
    if (isBlank(value) || isFromEnvironment(value) || isWithin(field, value)) return true;
    const translate = translator(this);
    return options ? translate('invalid.number', { least: field.least, most: field.most }) : false;
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

/**
 * Fills a select.
 * @param chosen as saved; undefined in flows from before the field existed, which is the first choice
 * @param label of a choice, in the editor's language
 */
export function showChoices(
  select: JQuery,
  choices: readonly string[],
  chosen: string | undefined,
  label: (choice: string) => string,
): void {
  select.empty();
  for (const choice of choices) $('<option>').val(choice).text(label(choice)).appendTo(select);
  select.val(chosen ?? choices[0] ?? '');
}

/** Shows what belongs to a choice: elements whose `data-of` lists it. */
export function showOf(within: JQuery, choice: string): void {
  within.find('.smolvlm-of').each((_, element) => {
    $(element).toggle(String($(element).data('of')).split(' ').includes(choice));
  });
}

/** The text of a field. */
export function textOf(selector: string): string {
  return String($(selector).val() ?? '');
}
