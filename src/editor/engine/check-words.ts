import { troubleOf } from '../../failures/trouble';
import type { DoctorCheck } from '../../protocol/doctor-report';
import { type PhraseWriter, phraseText } from '../../protocol/findings/phrase-text';
import { editorNumber, type Translate } from '../editor-language';

/** An amount as the doctor writes it: `7.6 GiB`. */
const amount = /^(\d+\.(\d+)) (GiB|GHz)$/;

/** A text in the language that it is in. */
interface Wording {
  readonly text: string;
  readonly lang: string;
}

/**
 * What a check of the doctor says, in the editor's language. In English it is what the engine sent, and so is everything of
 * an engine of another release that this catalog lacks.
 */
export function checkWords(
  { value, advice, valuePhrase, advicePhrase }: DoctorCheck,
  translate: Translate,
): { readonly value: Wording; readonly advice?: Wording } {
  const lang = translate('language');
  const writer = editorWriter(translate);
  const wording = (english: string, phrase: unknown): Wording => {
    const text = lang === 'en' ? undefined : phraseText(phrase, writer);
    return text === undefined ? { text: english, lang: 'en' } : { text, lang };
  };
  return {
    // A version or a path, which is in no language.
    value: valuePhrase === undefined ? { text: value, lang } : wording(value, valuePhrase),
    ...(advice && { advice: wording(advice, advicePhrase) }),
  };
}

function editorWriter(translate: Translate): PhraseWriter {
  // Not filled in by Node-RED: a value of an engine elsewhere may look like something to fill in.
  const raw = { skipInterpolation: true };
  const template = (name: string): string | undefined => {
    const text = translate(`finding.${name}`, raw);
    return text.endsWith(`finding.${name}`) ? undefined : text;
  };
  return {
    template: (name, { code }) => {
      if (!/^[a-z\d]+$/i.test(name)) return undefined;
      if (typeof code !== 'string') return template(name);
      const { key } = troubleOf(code);
      if (key === 'other') return undefined;
      if (name === 'modelWayOut') return translate(`wayOut.${key}`, raw);
      const fault = translate(`trouble.${key}`, raw);
      return template('named')?.replace('__name__', '__model__').replace('__what__', fault);
    },
    value: written,
  };
}

/** Amounts with the decimal sign of the language. */
function written(value: string): string {
  const [, number, decimals = '', unit] = amount.exec(value) ?? [];
  return number === undefined ? value : `${editorNumber(Number(number), decimals.length)} ${unit}`;
}
