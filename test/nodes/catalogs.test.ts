import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionState } from '../../src/client/engine-api';
import type { HeldReason } from '../../src/frame/frame-gate';
import { conversionModes } from '../../src/node-red/convert/convert-fields';
import { doctorChecks } from '../../src/platform/doctor/examine';
import type { DoctorState, DoctorVerdict } from '../../src/protocol/doctor-report';
import type { DropReason, ProgressPhase } from '../../src/protocol/events';
import { repositoryRoot } from '../fixtures';
import { assertSet, fixedParts } from './catalog-typography';
import { usedKeys } from './catalog-use';
import { nodeFolders, original, readCatalog, readHelp, type Translation, translations } from './catalogs';

const pageCatalogs = join(repositoryRoot, 'src', 'timeline', 'page', 'locales');

/** Words that are the same in both languages. */
const sameWords: Readonly<Record<Translation, ReadonlySet<string>>> = {
  de: wordSet(
    'Engine Token Decoder Threads CPU NPU Chip Kernel Container Bundle Checkpoint Python INT8 float32 Zone',
    'Prompt QoS Toolkit',
  ),
  fr: wordSet(
    'Vision Threads CPU NPU Bundle bundle Checkpoint Python INT8 float32 Source Prompt QoS Zone zone',
    'messages minutes pixels Question tokens Toolkit Action Archive ok information',
  ),
  'zh-CN': wordSet('CPU NPU Python INT8 float32 QoS'),
};

/** The words of Node-RED's own help. */
const headings: Readonly<Record<string, Readonly<Record<Translation, string>>>> = {
  Inputs: { de: 'Eingangsdaten', fr: 'Entrées', 'zh-CN': '输入' },
  Outputs: { de: 'Ausgangsdaten', fr: 'Sorties', 'zh-CN': '输出' },
  Details: { de: 'Details', fr: 'Détails', 'zh-CN': '详细' },
  References: { de: 'Referenzen', fr: 'Références', 'zh-CN': '参考' },
};

/** Keys whose last word is told by the program, with every word it may tell. */
const spoken: Readonly<Record<string, readonly string[]>> = {
  'smolvlm-engine.check.can.*': words<keyof DoctorVerdict>({ captionOnCpu: 1, captionOnNpu: 1, convert: 1 }),
  'smolvlm-engine.check.state.*': words<DoctorState>({ ok: 1, warn: 1, bad: 1, info: 1 }),
  'smolvlm-engine.try.phase.*': words<ProgressPhase>({
    loading: 1,
    image: 1,
    vision: 1,
    prefill: 1,
    decode: 1,
  }),
  'smolvlm-convert.status.done.*': conversionModes,
  'smolvlm-convert.node.*': conversionModes,
  'smolvlm-caption.label.*': ['prompt', 'question', 'what'],
  'smolvlm-frame.status.held.*': words<HeldReason>({ unchanged: 1, stale: 1, cooldown: 1, superseded: 1 }),
  'smolvlm-sidebar.state.*': words<ConnectionState>({
    idle: 1,
    connecting: 1,
    connected: 1,
    lost: 1,
    closed: 1,
  }),
  'smolvlm-sidebar.why.*': words<DropReason>({
    'queue-full': 1,
    superseded: 1,
    expired: 1,
    deadline: 1,
    cancelled: 1,
    shutdown: 1,
  }),
};

describe('catalogs of nodes and sidebar', () => {
  for (const folder of nodeFolders) {
    const english = readCatalog(folder, original);

    it(`hold each word that ${folder} shows, and no other`, () => {
      const keys = [...english.keys()].map((key) => key.replace(/_plural$/, ''));
      const [root = ''] = keys[0]?.split('.') ?? [];
      const used = usedKeys(folder, root);
      const matches = (pattern: string, key: string): boolean =>
        pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern;
      const asked = [...used].flatMap((key) => (spoken[key] ?? ['*']).map((word) => key.replace('*', word)));
      assert.deepEqual(
        asked.filter((pattern) => !keys.some((key) => matches(pattern, key))),
        [],
        'in no catalog',
      );
      assert.deepEqual(
        keys.filter((key) => ![...used].some((pattern) => matches(pattern, key))),
        [],
        'shown nowhere',
      );
    });

    for (const language of translations) {
      describe(`${folder} in ${language}`, () => {
        const catalog = readCatalog(folder, language);

        it('has every key of the English one', () => {
          assert.deepEqual([...catalog.keys()].sort(), [...english.keys()].sort());
        });

        it('keeps what is filled in, and the markup', () => {
          for (const [key, text] of catalog) {
            assert.deepEqual(fixedParts(text), fixedParts(english.get(key) ?? ''), `${key}: ${text}`);
          }
        });

        it('is translated, each word of it', () => {
          const isEnglish = ([key, text]: readonly [string, string]): boolean =>
            text.trim() === '' || (text === english.get(key) && !sameWords[language].has(wordsOf(text)));
          assert.deepEqual([...catalog].filter(isEnglish), []);
        });

        it('is set as the language is', () => {
          for (const [key, text] of catalog) assertSet(language, text, key);
        });

        it('explains the same in its help', () => {
          const help = readHelp(folder, language);
          const expected = readHelp(folder, original);
          assert.deepEqual(help?.fixed, expected?.fixed);
          assert.deepEqual(
            help?.headings,
            expected?.headings.map(
              (title) => headings[title]?.[language] ?? assert.fail(`no word for ${title}`),
            ),
          );
          assertSet(language, help?.text ?? '', 'help');
        });
      });
    }
  }

  it('call each node what the palette calls it', () => {
    const page = (language: string): [string, string][] =>
      Object.entries(JSON.parse(readFileSync(join(pageCatalogs, `${language}.json`), 'utf8')));
    const texts = [original, ...translations].flatMap((language) => [
      ...nodeFolders.flatMap((folder) => [...readCatalog(folder, language)]),
      ...page(language),
    ]);
    assert.deepEqual(
      texts.filter(([, text]) => /smolvlm-(?!timeline\/)[a-z]/.test(text)),
      [],
    );
  });

  it('name each check of the doctor as the doctor does in English', () => {
    const catalog = readCatalog('smolvlm-engine', original);
    const names = ['Node.js', 'librknnrt', 'librkllmrt', 'onnxruntime-node', 'koffi', 'protobufjs', 'ffmpeg'];
    const titles = doctorChecks.filter(({ title }) => !names.includes(title));
    assert.deepEqual(
      [...catalog].filter(([key]) => key.includes('.check.title.')).sort(),
      titles.map(({ id, title }) => [`smolvlm-engine.check.title.${id}`, title]).sort(),
    );
  });
});

/** Without what is filled in, signs and units. */
function wordsOf(text: string): string {
  const words = text.replace(/__\w+?__/g, ' ').match(/\p{L}[\p{L}\p{N}]+/gu) ?? [];
  return words.filter((word) => !['min', 'MB', 'GB'].includes(word)).join(' ');
}

function wordSet(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(['', ...lines.flatMap((line) => line.split(' '))]);
}

/** Every word of a type: the compiler says when one is missing. */
function words<Word extends string>(all: Record<Word, 1>): readonly string[] {
  return Object.keys(all);
}
