import assert from 'node:assert/strict';
import { examine } from '../../../src/platform/doctor/examine';
import type { DoctorCheck, DoctorPhrase } from '../../../src/protocol/doctor-report';
import { phraseText } from '../../../src/protocol/findings/phrase-text';
import { original, readFindingCatalog, translations } from '../../nodes/catalogs';
import { oddMachines } from './odd-machines';

/** Each different text of the doctor, with what it says in English. */
const texts = new Map<
  string,
  { readonly check: DoctorCheck; readonly english: string; phrase?: DoctorPhrase }
>();

function keysOf({ key, values = {} }: DoctorPhrase): readonly string[] {
  const inner = Object.values(values).filter((value) => typeof value === 'object');
  return [key, ...inner.flatMap(keysOf)];
}

describe('the doctor’s findings in other languages', () => {
  before(() => {
    for (const machine of oddMachines())
      for (const check of examine(machine).checks) {
        const { value, valuePhrase, advice, advicePhrase } = check;
        texts.set(`${check.id} ${value}`, {
          check,
          english: value,
          ...(valuePhrase && { phrase: valuePhrase }),
        });
        if (advice !== undefined)
          texts.set(advice, { check, english: advice, ...(advicePhrase && { phrase: advicePhrase }) });
      }
    assert.ok(texts.size > 300);
  });

  it('use every phrase of the catalogs, and no other', () => {
    const used = [...texts.values()].flatMap(({ phrase }) => (phrase ? keysOf(phrase) : []));
    for (const language of [original, ...translations])
      assert.deepEqual(Object.keys(readFindingCatalog(language).finding).sort(), [...new Set(used)].sort());
  });

  for (const language of [original, ...translations]) {
    it(`are whole sentences in ${language}, nothing of them left unfilled`, () => {
      const { finding } = readFindingCatalog(language);
      for (const { check, english, phrase } of texts.values()) {
        if (!phrase) continue;
        const text = phraseText(phrase, { template: (key) => finding[key], value: String });
        assert.match(text ?? '', /^\S(?:[^\n]*\S)?$/, `${check.id}: ${english}`);
        assert.doesNotMatch(text ?? '', /__|undefined|\[object/, `${check.id}: ${english}`);
        if (language === original) assert.equal(text, english);
      }
    });
  }

  it('leave without a phrase only what has no English words', () => {
    const plain = [...texts.values()].filter(({ phrase }) => !phrase).map(({ english }) => english);
    assert.deepEqual(
      plain.filter((text) =>
        /\b[a-z]{2,} [a-z]{2,}\b|\b(?:none|of|to|not|no)\b/.test(text.replace(/\([^)]*\)/g, '')),
      ),
      [],
    );
  });

  it('give each advice as a phrase', () => {
    for (const { check } of texts.values())
      assert.equal(check.advice === undefined, check.advicePhrase === undefined, check.id);
  });
});
