import assert from 'node:assert/strict';
import type { Translation } from './catalogs';

/** What no text of a language holds, with what belongs there. */
const misprints: Readonly<Record<Translation, readonly (readonly [RegExp, string])[]>> = {
  de: [
    [/"[^"]*"/, 'quotation marks „ and “'],
    [/ %/, 'a no-break space before %'],
    [/\d+\.\d+ (GB|MB|s)/, 'a comma as the decimal sign'],
  ],
  fr: [
    [/[^\s:] :(?=\s|$)/, 'a no-break space before a colon'],
    [/\S [;!?]/, 'a narrow no-break space before ; ! ?'],
    [/[a-zé]:(\s|$)/i, 'a no-break space before a colon'],
    [/\p{L}'\p{L}/u, 'the apostrophe ’'],
    [/"[^"]*"/, 'quotation marks « and »'],
    [/« | »| %/, 'a no-break space'],
  ],
  'zh-CN': [
    [/\p{Script=Han} ?[,;:?!]/u, 'Chinese punctuation'],
    [/\p{Script=Han}\.(?![\w.])/u, 'the full stop 。'],
    [/\p{Script=Han}\(|\(\p{Script=Han}/u, 'brackets （ and ）'],
    [/\p{Script=Han}\n\s*\p{Script=Han}/u, 'no line break between Chinese characters'],
  ],
};

/** Placeholders, tags and what is between `<code>` and `</code>`, in the order of the alphabet. */
export function fixedParts(text: string): readonly string[] {
  return [...(text.match(/__\w+?__|\{\{\w+\}\}|<code>[^<]*<\/code>|<\/?\w+>/g) ?? [])].sort();
}

/** Fails for a misprint. @param where the text is from */
export function assertSet(language: Translation, text: string, where: string): void {
  const sentences = text
    .replace(/<code>[^<]*<\/code>/g, 'x')
    .replace(/<\/?(i|span|a)\b[^>]*>/g, '')
    .replace(/<[^>]*>/g, '¶');
  for (const [misprint, expected] of misprints[language]) {
    const [found] = sentences.match(misprint) ?? [];
    assert.equal(found, undefined, `${where}: expected ${expected} in "${found}"`);
  }
}
