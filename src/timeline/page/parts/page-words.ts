import { errorBody } from '../../../errors';
import { failureWords, joined } from '../../../failures/failure-words';
import germanFailures from '../../../failures/locales/de.json';
import englishFailures from '../../../failures/locales/en-US.json';
import frenchFailures from '../../../failures/locales/fr.json';
import chineseFailures from '../../../failures/locales/zh-CN.json';
import german from '../locales/de.json';
import english from '../locales/en-US.json';
import french from '../locales/fr.json';
import chinese from '../locales/zh-CN.json';

export const languages = { 'en-US': 'English', de: 'Deutsch', fr: 'Français', 'zh-CN': '简体中文' } as const;
export type Language = keyof typeof languages;

type Catalog = typeof english;
const catalogs: Readonly<Record<Language, Catalog>> = {
  'en-US': english,
  de: german,
  fr: french,
  'zh-CN': chinese,
};

const failures: Readonly<Record<Language, typeof englishFailures>> = {
  'en-US': englishFailures,
  de: germanFailures,
  fr: frenchFailures,
  'zh-CN': chineseFailures,
};

export type WordKey = keyof Catalog;

export function isLanguage(name: string | undefined): name is Language {
  return name !== undefined && Object.hasOwn(languages, name);
}

/** The first of the browser's languages that there is a catalog for. */
export function preferredLanguage(preferred: readonly string[] = navigator.languages): Language {
  for (const name of preferred) {
    const [base = ''] = name.split('-');
    const found = (Object.keys(languages) as Language[]).find((each) => each.split('-')[0] === base);
    if (found) return found;
  }
  return 'en-US';
}

/** The page's texts, dates and numbers in one language. */
export class Words {
  readonly #catalog: Catalog;
  readonly #time: Intl.DateTimeFormat;
  readonly #exact: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #shortDay: Intl.DateTimeFormat;
  readonly #shortDayOfYear: Intl.DateTimeFormat;
  readonly #number: Intl.NumberFormat;

  constructor(readonly language: Language) {
    this.#catalog = catalogs[language];
    // English with the reader's own order of day and month, and own clock.
    const locale =
      navigator.languages.find((name) => name.startsWith(language.split('-')[0] ?? '')) ?? language;
    this.#time = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
    this.#exact = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
    this.#day = new Intl.DateTimeFormat(locale, {
      weekday: 'long',
      day: 'numeric',
      month: 'long',
      year: 'numeric',
    });
    const short = { weekday: 'short', day: 'numeric', month: 'short' } as const;
    this.#shortDay = new Intl.DateTimeFormat(locale, short);
    this.#shortDayOfYear = new Intl.DateTimeFormat(locale, { ...short, year: 'numeric' });
    this.#number = new Intl.NumberFormat(locale);
  }

  translate(key: WordKey, values: Readonly<Record<string, string | number>> = {}): string {
    return filled(this.#catalog[key], values, (value) => this.#number.format(value));
  }

  /** What went wrong and what to do, then in brackets the English sentence, which names the thing and the value. */
  failure(thrown: unknown): string {
    // The browser's own error, in no language of the page: no answer came.
    if (thrown instanceof TypeError) return this.translate('unreachable');
    const { language, ...texts } = failures[this.language];
    const failure = failureWords(errorBody(thrown), (key, values = {}) => {
      const [group, name = ''] = key.split('.');
      if (group !== 'trouble' && group !== 'wayOut') return language;
      return filled((texts[group] as Readonly<Record<string, string>>)[name] ?? '', values, String);
    });
    return failure.sentence === undefined ? joined(failure) : `${joined(failure)} (${failure.sentence})`;
  }

  time(at: Date): string {
    return this.#time.format(at);
  }

  /** Day and time to the second. */
  exactTime(at: Date): string {
    return this.#exact.format(at);
  }

  day(at: Date, today = new Date()): string {
    const days = Math.round((startOfDay(today).getTime() - startOfDay(at).getTime()) / 86_400_000);
    if (days === 0) return this.translate('today');
    if (days === 1) return this.translate('yesterday');
    return this.#day.format(at);
  }

  /** For a list of days; the year is said of other years only, since there is little room on a phone. */
  shortDay(at: Date): string {
    const isThisYear = at.getFullYear() === new Date().getFullYear();
    return (isThisYear ? this.#shortDay : this.#shortDayOfYear).format(at);
  }
}

function filled(
  text: string,
  values: Readonly<Record<string, string | number>>,
  number: (value: number) => string,
): string {
  return text.replace(/__(\w+?)__/g, (_, name: string) => {
    const value = values[name] ?? '';
    return typeof value === 'number' ? number(value) : value;
  });
}

export function startOfDay(at: Date): Date {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate());
}

/** `2026-11-27`, of this browser's time zone. */
export function dayKey(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
