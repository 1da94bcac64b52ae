import { isFromEnvironment } from './dialog-fields';

/** Marks a choice that the runtime refuses; the node's catalog says so below `invalid`. */
export function among(choices: readonly string[]): NonNullable<EditorProperty['validate']> {
  return function (this: EditorNode, value, options) {
    const chosen = String(value ?? '');
    if (chosen === '' || choices.includes(chosen) || isFromEnvironment(chosen)) return true;
    const translate = (key: string, values: object): string => this._(`${this.type}.${key}`, values);
    return options ? translate('invalid.choice', { value: chosen }) : false;
  };
}
