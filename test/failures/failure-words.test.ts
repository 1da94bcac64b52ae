import assert from 'node:assert/strict';
import { failureWords, joined } from '../../src/failures/failure-words';
import { troubleKeys } from '../../src/failures/trouble';
import { original, readFailureCatalog, translations } from '../nodes/catalogs';

interface Catalog {
  readonly language: string;
  readonly trouble: Readonly<Record<string, string>>;
  readonly wayOut: Readonly<Record<string, string>>;
}

/** Looks texts up as the captions page does. */
function lookUp(language: string): (key: string) => string {
  const { language: name, trouble, wayOut } = readFailureCatalog(language) as Catalog;
  return (key) => {
    const [group, text = ''] = key.split('.');
    return group === 'language' ? name : ((group === 'trouble' ? trouble : wayOut)[text] ?? '');
  };
}

const late = { code: 'deadline', message: 'not described within 5000 ms', hint: 'Send fewer.' };

describe('failureWords', () => {
  it('are the sentence and its own way out in English', () => {
    const words = failureWords(late, lookUp(original));
    assert.deepEqual(words, { words: late.message, wayOut: 'Send fewer.' });
    assert.equal(joined(words), 'not described within 5000 ms. Send fewer.');
  });

  it('keep the English sentence beside the words of another language', () => {
    const words = failureWords(late, lookUp('de'));
    assert.deepEqual([words.words, words.sentence], ['Zu spät', late.message]);
    assert.match(joined(words), /^Zu spät\. Lassen Sie/);
  });

  it('say nothing of a key whose catalog is not loaded', () => {
    assert.deepEqual(
      failureWords({ code: 'deadline', message: 'late' }, (key) => `ns:${key}`),
      {
        words: 'late',
        wayOut: '',
      },
    );
  });

  it('have words and a way out for each kind of error in each of the four languages, and no others', () => {
    for (const language of [original, ...translations]) {
      const { trouble, wayOut } = readFailureCatalog(language) as Catalog;
      assert.deepEqual(Object.keys(trouble).sort(), [...troubleKeys].sort(), language);
      assert.deepEqual(
        troubleKeys.filter((key) => !wayOut[key]),
        [],
        language,
      );
    }
  });
});
