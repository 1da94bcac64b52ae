import { invalidField } from './invalid-field';

/**
 * The choice that a dialog holds.
 * @param standard used when the field is blank, as in flows from before it existed
 * @throws SmolvlmError `node-property` naming the field, its choices and what it holds
 */
export function fieldChoice<const Choice extends string, Standard extends Choice | undefined>(
  value: string | undefined,
  name: string,
  choices: readonly Choice[],
  standard: Standard,
): Choice | Standard {
  if (value === undefined || value === null || value === '') return standard;
  const choice = choices.find((each) => each === value);
  if (choice !== undefined) return choice;
  throw invalidField(name, `one of ${choices.filter((each) => each !== '').join(', ')}`, value);
}
