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

/** An amount of memory in whole megabytes, or from 1000 MB in gigabytes, as the editor's language writes it. */
export function editorBytes(bytes: number): string {
  const large = bytes >= 1e9;
  return new Intl.NumberFormat(editorLocale(), {
    style: 'unit',
    unit: large ? 'gigabyte' : 'megabyte',
    maximumFractionDigits: large ? 1 : 0,
  }).format(bytes / (large ? 1e9 : 1e6));
}
