/** Looks up a text of a catalog and fills it in. */
export type Translate = (key: string, values?: object) => string;

/** The browser's own region when its language is the editor's: en-GB, not en-US. */
export function editorLocale(): string {
  const language = RED.i18n.lang();
  const base = (locale: string): string | undefined => locale.split('-')[0];
  return navigator.languages.find((locale) => base(locale) === base(language)) ?? language;
}

/** A number as the editor's language writes it. @param digits after the decimal sign */
export function editorNumber(value: number, digits: number): string {
  return value.toLocaleString(editorLocale(), {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
