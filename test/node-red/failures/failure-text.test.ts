import assert from 'node:assert/strict';
import { SmolvlmError } from '../../../src/errors';
import { troubleKeys, troubleOf } from '../../../src/failures/trouble';
import { failureText } from '../../../src/node-red/failures/failure-text';
import { NodeFailure } from '../../../src/node-red/failures/node-failure';
import { fieldNumber } from '../../../src/node-red/number-field';
import { type original, readCatalog, type Translation, translations } from '../../nodes/catalogs';
import { nodeRedTexts } from '../node-red-texts';

const { encodeObject } = require('@node-red/util').util as {
  /** What Node-RED sends to the debug sidebar. */
  encodeObject(entry: { readonly msg: unknown }): { readonly format: string; readonly msg: string };
};

function message(thrown: unknown, language: typeof original | Translation, type = 'smolvlm-frame'): string {
  return new NodeFailure(thrown, failureText(nodeRedTexts(language), type)).message;
}

const refused = new SmolvlmError('image-fetch', 'http://camera/a.jpg: connect ECONNREFUSED 10.0.0.1:80', {
  hint: 'Open the address.',
});

describe('failureText', () => {
  it('is the sentence with its own way out in English, or with that of its kind', () => {
    assert.equal(message(refused, 'en-US'), `${refused.message}. Open the address.`);
    assert.equal(
      message(new TypeError('x is not a function'), 'en-US'),
      'x is not a function. If it happens again, report it with the engine’s log.',
    );
  });

  it('says what is wrong and the way out in Node-RED’s language, then what it is about', () => {
    assert.equal(
      message(refused, 'de'),
      'Keine Antwort: Verbindung abgelehnt. Prüfen Sie, ob die Kamera eingeschaltet ist und Adresse und Port ' +
        `stimmen. (${refused.message})`,
    );
    assert.match(message(refused, 'zh-CN'), /^没有应答：连接被拒绝。请检查.*。 \(http/);
    const notFound = new SmolvlmError('image-fetch', 'http://camera/ answered 404');
    assert.match(message(notFound, 'fr'), /^404\s: mauvaise adresse\s\? Ouvrez l’adresse/);
  });

  it('names a field as the dialog does, and its limits', () => {
    const outside = thrownBy(() => fieldNumber('9', 'maxSide', { least: 64, most: 4096, isWhole: true }));
    assert.match(
      message(outside, 'de'),
      /^„Längste Seite“ prüfen\. Geben Sie statt 9 eine ganze Zahl von 64 bis 4096 ein\. \(maxSide: /,
    );
  });

  it('keeps the words of a status when the message is in another language', () => {
    const failure = new NodeFailure(refused, failureText(nodeRedTexts('de'), 'smolvlm-frame'));
    assert.equal(troubleOf(failure).key, 'refused');
    assert.equal(failure.toString(), failure.message);
  });

  it('is a whole sentence in the debug sidebar, and code and sentence for Catch nodes', () => {
    const failure = new NodeFailure(refused);
    const { format, msg } = encodeObject({ msg: failure });
    assert.deepEqual(
      { format, msg },
      { format: 'NodeFailure', msg: `${refused.message}. Open the address.` },
    );
    assert.ok(Object.hasOwn(failure, 'code'));
    assert.equal(failure.code, 'image-fetch');
  });

  it('has its way out within the 1000 characters that the debug sidebar shows, however long a value is', () => {
    const long = 'camera '.repeat(2000);
    const refusedLong = new SmolvlmError('image-fetch', `${long}: connect ECONNREFUSED`, {
      hint: 'Open the address.',
    });
    const outside = thrownBy(() => fieldNumber(long, 'maxSide', { least: 64, most: 4096, isWhole: true }));
    for (const language of ['en-US', ...translations] as const) {
      for (const thrown of [refusedLong, outside]) {
        const text = message(thrown, language);
        assert.ok(text.length <= 1000, `${language}: ${text.length}`);
      }
      assert.match(message(refusedLong, language), /camera camera…/);
    }
    assert.match(message(refusedLong, 'en-US'), / : connect ECONNREFUSED\. Open the address\.$/);
    assert.match(message(refusedLong, 'de'), /^Keine Antwort: Verbindung abgelehnt\./);
  });

  it('has a sentence and a way out for every kind of error in every language', () => {
    for (const language of translations) {
      const catalog = readCatalog('smolvlm-engine', language);
      for (const key of troubleKeys) assert.ok(catalog.get(`smolvlm-engine.wayOut.${key}`), key);
    }
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}
