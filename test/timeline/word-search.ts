/** Written without spaces: each character is a word. */
const spaceless =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;

/** The words of a text, without accents and letter case. */
function wordsOf(text: string): string[] {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.replace(spaceless, ' $& ').match(/[\p{L}\p{N}]+/gu) ?? [];
}

/**
 * Whether a text has all words of a search: each may be the beginning of a word, "…" is a phrase, -word excludes.
 * A search of spaces only finds everything, one of signs only nothing.
 */
export function hasWords(text: string, search: string): boolean {
  if (search.trim() === '') return true;
  const words = wordsOf(text);
  const terms = [...search.matchAll(/(-?)(?:"([^"]*)"?|([^\s"]+))/gu)].map(([, minus, phrase, word]) => ({
    excludes: minus === '-',
    words: wordsOf(phrase ?? word ?? ''),
    whole: phrase !== undefined,
  }));
  const meant = terms.filter((term) => term.words.length > 0);
  if (!meant.some(({ excludes }) => !excludes)) return false;
  return meant.every(({ excludes, words: wanted, whole }) => has(words, wanted, whole) !== excludes);
}

/** Whether the words follow each other somewhere; the last may be the beginning of a word unless it is `whole`. */
function has(words: readonly string[], wanted: readonly string[], whole: boolean): boolean {
  const last = wanted.length - 1;
  return words.some((_, start) =>
    wanted.every((word, index) => {
      const found = words[start + index];
      return index === last && !whole ? found?.startsWith(word) : found === word;
    }),
  );
}
