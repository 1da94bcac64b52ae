import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { repositoryRoot } from '../fixtures';
import { type Page, readPage, readPages } from './markdown';

/** Names of files, classes and types that another word has replaced. */
const replacedFiles =
  /\b(caption-calls?|caption-requests|caption-turn|caption-outcome|preset-question|recorded-engine|unsaved-engine|engines-overview|describe-call|lane|frame-sight|npu-rest|npu-turns|vision-meter|stopwatch|request-life|camera-tally|npu-hold|npu-deaths|clocks)\.(ts|js)\b/;
const replacedNames =
  /\b(CaptionCalls?|CaptionAsk|AskedMessage|CaptionRequests|CallSource|CaptionTurn|CaptionTerms|CaptionEnd|PresetQuestion|RecordedEngine|UnsavedEngine|DescribeCall|Lane|FrameSight|Sight|Seen|NpuRest|NpuTurns|VisionMeter|Stopwatch|RequestLife|CameraTally|NpuHold|NpuDeaths?|EngineFinal|DoneEvent)\b/;

/** "is no file" for "is not a file"; "there is no" and "is no longer" are English. */
const notA = /(?<!\bthere )\b(is|are|was|were) no (?!longer\b)/i;

/** Prompts for a model, not about the code. */
const calibration = join('python', 'calibration_prompts.json');

/** What people do and programs do not, and phrases that read as translated. */
const notPlain =
  /\b(knows|knew|wants|rests|resting|dies|sees|falls silent|goes to rest|of (its|their) own|nobody|whoever|such an?)\b/i;

/** Documents and systems that a reader of this tree cannot have. */
const elsewhere = /\bDESIGN\b|\bthe original('s| system| conversion)/;

describe('the words of code and pages', () => {
  const sources = readSources('src', 'nodes', 'scripts', 'python');
  const tests = readSources('test').filter(({ path }) => !path.endsWith('words.test.ts'));
  const all = [...sources, ...readPages()];

  it('name no file, class or type by a word that was replaced', () => {
    assert.deepEqual(linesWith(all, replacedFiles), []);
    const code = [...sources, ...tests].filter(({ path }) => path.endsWith('.ts'));
    assert.deepEqual(linesWith(code, replacedNames), []);
    assert.deepEqual(
      [...sources, ...tests].map(({ path }) => path).filter((path) => replacedFiles.test(basename(path))),
      [],
    );
  });

  it('say “is not a file”, never “is no file”', () => {
    assert.deepEqual(linesWith([...all, ...tests], notA), []);
  });

  it('have programs that detect, need and pause, not ones that know, want and rest', () => {
    assert.deepEqual(linesWith(all, notPlain), []);
  });

  it('refer to nothing that is not in the tree', () => {
    assert.deepEqual(linesWith(all, elsewhere), []);
  });
});

/** What people wrote in these rooms; the catalogs and help in English only. */
function readSources(...rooms: readonly string[]): readonly Page[] {
  return rooms
    .flatMap((room) =>
      readdirSync(join(repositoryRoot, room), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(room, name),
      ),
    )
    .filter((path) => /\.(ts|mjs|js|py|html|json)$/.test(path) && path !== calibration)
    .filter((path) => !/locales\/(?!en-US)|^test\/fixtures/.test(path))
    .map(readPage);
}

function linesWith(pages: readonly Page[], pattern: RegExp): readonly string[] {
  return pages.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}
