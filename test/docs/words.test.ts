import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { repositoryRoot } from '../fixtures';
import { type Page, readPages } from './markdown';

/** Names of files, classes and types that another word has replaced. */
const replacedFiles =
  /\b(caption-calls?|caption-requests|caption-turn|caption-outcome|preset-question|recorded-engine|unsaved-engine|engines-overview|describe-call|lane|frame-sight|npu-rest|npu-turns|vision-meter|stopwatch|request-life|camera-tally|npu-hold|npu-deaths|clocks)\.(ts|js)\b/;
const replacedNames =
  /\b(CaptionCalls?|CaptionAsk|AskedMessage|CaptionRequests|CallSource|CaptionTurn|CaptionTerms|CaptionEnd|PresetQuestion|RecordedEngine|UnsavedEngine|DescribeCall|Lane|FrameSight|Sight|Seen|NpuRest|NpuTurns|VisionMeter|Stopwatch|RequestLife|CameraTally|NpuHold|NpuDeaths?|EngineFinal|DoneEvent)\b/;

/** "is no file" for "is not a file"; "there is no" and "is no longer" are English. */
const notA = /(?<!\bthere )\b(is|are|was|were) no (?!longer\b)/i;

/** Documents and systems that a reader of this tree cannot have. */
const elsewhere = /\bDESIGN\b|\bthe original('s| system| conversion)/;

describe('the words of code and pages', () => {
  const sources = ['src', 'nodes', 'scripts', 'python']
    .flatMap((room) =>
      readdirSync(join(repositoryRoot, room), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(room, name),
      ),
    )
    .filter((path) => /\.(ts|mjs|js|py|html|json)$/.test(path) && !/locales\/(?!en-US)/.test(path))
    .map((path): Page => ({ path, text: readFileSync(join(repositoryRoot, path), 'utf8') }));
  const all = [...sources, ...readPages()];

  it('name no file, class or type by a word that was replaced', () => {
    assert.deepEqual(linesWith(all, replacedFiles), []);
    const code = sources.filter(({ path }) => path.endsWith('.ts'));
    assert.deepEqual(linesWith(code, replacedNames), []);
    assert.deepEqual(
      sources.map(({ path }) => path).filter((path) => replacedFiles.test(basename(path))),
      [],
    );
  });

  it('say “is not a file”, never “is no file”', () => {
    assert.deepEqual(linesWith(all, notA), []);
  });

  it('refer to nothing that is not in the tree', () => {
    assert.deepEqual(linesWith(all, elsewhere), []);
  });
});

function linesWith(pages: readonly Page[], pattern: RegExp): readonly string[] {
  return pages.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}
