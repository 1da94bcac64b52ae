import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from './fixtures';

const biome = require.resolve('@biomejs/biome/bin/biome');

interface FolderRule {
  /** Below src/. */
  readonly folder: string;
  readonly allowed: readonly string[];
}

interface ImportRules {
  importRules(): readonly FolderRule[];
  overrides(): readonly unknown[];
}

/** Imports by the syntax that must not slip through, and across nodes/: written out, apart from the table. */
const refusedStatements: readonly (readonly [file: string, statement: string])[] = [
  ['src/client/type.ts', "import type { x } from '../engine/engine';"],
  ['src/client/dynamic.ts', "export const x = import('../engine/engine');"],
  ['src/client/node.ts', "import { x } from '../../nodes/smolvlm-frame/smolvlm-frame';"],
  ['src/engine/koffi.ts', "import { x } from 'koffi';"],
  ['src/cli/bench/runtime.ts', "import { x } from 'onnxruntime-node';"],
  ['src/server/red.ts', "import { x } from 'node-red';"],
  ['src/inference/npu/cli.ts', "import { x } from '../../cli/serve';"],
  ['src/node-red/frame/caption.ts', "import { x } from '../caption/caption-plan';"],
  ['src/model/checkpoint/bundle.ts', "import { x } from '../bundle/read-bundle';"],
  ['src/convert/toolkit/npu.ts', "import { x } from '../npu/npu-bundle';"],
  ['src/cli/red.ts', "import { x } from '../node-red/typed-input';"],
  ['nodes/smolvlm-caption/engine.ts', "import { x } from '../../src/engine/engine';"],
  ['nodes/smolvlm-caption/smolvlm-caption.ts', "import { x } from '../../src/editor/dialog-tabs';"],
  ['nodes/smolvlm-caption/smolvlm-caption.editor.ts', "import { x } from '../../src/client/engine-api';"],
  ['nodes/smolvlm-caption/mqtt.ts', "import { x } from '../../src/mqtt/frigate/frigate';"],
];

const allowedStatements: readonly (readonly [file: string, statement: string])[] = [
  ['src/protocol/errors.ts', "import { x } from '../errors';"],
  ['src/backends/rknn/koffi.ts', "import { x } from 'koffi';"],
  ['src/node-red/red.ts', "import type { x } from 'node-red';"],
  ['nodes/smolvlm-mqtt/smolvlm-mqtt.editor.ts', "import { x } from '../../src/editor/dialog-tabs';"],
  ['nodes/smolvlm-mqtt/frigate.ts', "import { x } from '../../src/mqtt/frigate/frigate';"],
];

describe('the rules of import between rooms', () => {
  let folder: string;
  let rules: ImportRules;
  /** Files and lines, `src/client/type.ts:1`. */
  let refusals: ReadonlySet<string>;
  /** A file for each folder with one line for each other: whether the line's import is refused. */
  const pairs = new Map<string, boolean>();

  after(() => rmSync(folder, { recursive: true }));

  before(async () => {
    rules = await import(pathToFileURL(join(repositoryRoot, 'scripts', 'import-rules.mjs')).href);
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'smolvlm-import-rules-')));
    copyFileSync('biome.json', join(folder, 'biome.json'));
    copyFileSync('biome.rooms.json', join(folder, 'biome.rooms.json'));
    const files = new Map<string, string>([...refusedStatements, ...allowedStatements]);
    const all = rules.importRules();
    for (const { folder: from, allowed } of all) {
      const file = `src/${from}/all.ts`;
      const others = all.filter(({ folder: to }) => to !== from);
      const lines = others.map(({ folder: to }, index) => {
        const path = posix.relative(from, `${to}/x`);
        pairs.set(`${file}:${index + 1}`, !allowed.some((glob) => covers(glob, `${to}/x`)));
        return `import { x as x${index} } from '${path.startsWith('.') ? path : `./${path}`}';`;
      });
      files.set(file, lines.join('\n'));
    }
    for (const [file, statement] of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `${statement}\n`);
    }
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        biome,
        ...['lint', '--only=style/noRestrictedImports', '--vcs-enabled=false', '--reporter=github'],
        ...['--max-diagnostics=none', '.'],
      ],
      { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26 },
    );
    assert.match(stdout, /::error/, stderr);
    refusals = new Set(
      [...stdout.matchAll(/noRestrictedImports,file=([^,]+),line=(\d+)/g)].map(
        ([, file = '', line]) => `${relative(folder, file)}:${line}`,
      ),
    );
  });

  it('are those of the table in scripts/import-rules.mjs', () => {
    const written: { readonly overrides: unknown } = JSON.parse(readFileSync('biome.rooms.json', 'utf8'));
    assert.deepEqual(written.overrides, rules.overrides(), 'run: node scripts/import-rules.mjs');
  });

  it('hold between every two folders', () => {
    assert.ok(pairs.size > 1000, `${pairs.size} pairs`);
    const wrong = [...pairs].filter(([line, refused]) => refusals.has(line) !== refused);
    assert.deepEqual(wrong, []);
  });

  it('let no room import a room that imports it', () => {
    const all = rules.importRules();
    const room = (path: string): string => path.split('/')[0] ?? '';
    const imports = new Set(
      all.flatMap(({ folder: from, allowed }) => allowed.map((to) => `${room(from)} ${room(to)}`)),
    );
    const circles = [...imports].filter((pair) => {
      const [from = '', to = ''] = pair.split(' ');
      return from !== to && imports.has(`${to} ${from}`);
    });
    assert.deepEqual(circles, []);
  });

  for (const [file, statement] of refusedStatements) {
    it(`refuse ${statement} in ${dirname(file)}`, () => assert.ok(refusals.has(`${file}:1`)));
  }

  for (const [file, statement] of allowedStatements) {
    it(`allow ${statement} in ${dirname(file)}`, () => assert.ok(!refusals.has(`${file}:1`)));
  }
});

/** Whether one of the table's globs, `room/*` or `room/**`, covers a file. */
function covers(glob: string, file: string): boolean {
  if (glob.endsWith('/**')) return file.startsWith(glob.slice(0, -2));
  return posix.dirname(file) === glob.slice(0, -2);
}
