import assert from 'node:assert/strict';
import { SmolvlmError } from '../../../src/errors';
import { fieldNumber } from '../../../src/node-red/number-field';
import { StatusWords } from '../../../src/node-red/status/node-status';
import { phrasesOf, phrasesText } from '../../../src/node-red/status/phrase';
import { troubleWords } from '../../../src/node-red/status/trouble-words';
import { nodeRedTexts } from '../node-red-texts';

describe('troubleWords', () => {
  const words = (type: string, thrown: unknown, language: 'en-US' | 'de' = 'en-US'): string =>
    phrasesText(nodeRedTexts(language), [troubleWords(type)(thrown)]);

  it('says in a few words what is wrong', () => {
    const refused = new SmolvlmError('image-fetch', 'http://camera/a.jpg: connect ECONNREFUSED 10.0.0.1:80');
    assert.equal(words('smolvlm-frame', refused), 'no answer: connection refused');
    assert.equal(words('smolvlm-frame', refused, 'de'), 'keine Antwort: Verbindung abgelehnt');
    assert.equal(words('smolvlm-caption', 'deadline'), 'too late');
  });

  it('names a field as the dialog of the node does, or that of the engine, or by its own name', () => {
    const ofFrame = outside('maxSide');
    assert.equal(words('smolvlm-frame', ofFrame), 'check “Longest side”');
    assert.equal(words('smolvlm-frame', ofFrame, 'de'), '„Längste Seite“ prüfen');
    assert.equal(words('smolvlm-caption', outside('queueCapacity')), 'check “Queue length”');
    assert.equal(words('smolvlm-caption', outside('msg.x')), 'check “msg.x”');
  });

  it('is the reason within the status of a fallback', () => {
    const status = new StatusWords(phrasesOf('smolvlm-caption'), troubleWords('smolvlm-caption'));
    const text = (language: 'en-US' | 'de'): string =>
      phrasesText(nodeRedTexts(language), status.fallback('deadline').phrases);
    assert.equal(text('en-US'), 'fallback: too late');
    assert.equal(text('de'), 'Ersatztext: zu spät');
  });

  it('follows what the node is doing when other requests wait', () => {
    const status = new StatusWords(phrasesOf('smolvlm-caption'), troubleWords('smolvlm-caption'));
    const step = { type: 'progress', id: '1', phase: 'vision', done: 7, total: 24 } as const;
    assert.equal(
      phrasesText(nodeRedTexts('en-US'), status.working(step, 2).phrases),
      'encoding 7/24, 2 waiting',
    );
  });
});

function outside(field: string): unknown {
  try {
    return fieldNumber('0', field, { least: 1, most: 10 });
  } catch (error) {
    return error;
  }
}
