/** Scripts that write words without spaces between them: each character is indexed as a word, and a word is a phrase. */
const spaceless =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;

/** A text as it is given to the index. */
export function indexedText(text: string): string {
  return text.normalize('NFC').replace(spaceless, ' $& ');
}

/** More words do not make a search narrower, only slower. */
const mostWords = 12;

/**
 * A person's search text as an FTS5 query. Words are joined by AND, and each may be the beginning of a longer word;
 * "…" is a phrase of whole words; a leading - excludes. Nothing in the text is taken as FTS5's syntax.
 * @returns undefined if there is nothing to search for
 */
export function searchExpression(text: string): string | undefined {
  const parts = [...text.normalize('NFC').matchAll(/(-?)(?:"([^"]*)"?|([^\s"]+))/gu)];
  const wanted: string[] = [];
  const excluded: string[] = [];
  for (const [, minus, phrase, word] of parts.slice(0, mostWords)) {
    const term = phrase === undefined ? wordTerm(word ?? '') : phraseTerm(phrase);
    if (term !== undefined) (minus === '-' ? excluded : wanted).push(term);
  }
  if (wanted.length === 0) return undefined;
  const all = wanted.join(' AND ');
  return excluded.length === 0 ? all : `(${all}) NOT (${excluded.join(' OR ')})`;
}

/** What the tokenizer keeps of a text: letters, digits and marks. */
function tokens(text: string): string[] {
  return indexedText(text).match(/[\p{L}\p{N}\p{M}\p{Co}]+/gu) ?? [];
}

function phraseTerm(text: string): string | undefined {
  const words = tokens(text);
  return words.length === 0 ? undefined : `"${words.join(' ')}"`;
}

function wordTerm(text: string): string | undefined {
  const phrase = phraseTerm(text);
  if (phrase === undefined) return undefined;
  const last = tokens(text).at(-1) ?? '';
  // A single letter would match half of the index, and a character of these scripts is a whole word.
  const isPrefix = [...last].length > 1;
  return isPrefix ? `${phrase}*` : phrase;
}
