import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

const biome = require.resolve('@biomejs/biome/bin/biome');

/** A file and what it imports. */
type Import = readonly [file: string, statement: string];

const refused: readonly Import[] = [
  ['src/protocol/a.ts', "import { x } from '../model/checkpoint';"],
  ['src/client/a.ts', "import type { x } from '../engine/engine';"],
  ['src/client/b.ts', "export const x = import('../engine/engine');"],
  ['src/client/c.ts', "import { x } from '../../nodes/smolvlm-frame/smolvlm-frame';"],
  ['src/engine/a.ts', "import { x } from '../server/listen';"],
  ['src/engine/b.ts', "import { x } from 'koffi';"],
  ['src/backends/rknn/a.ts', "import { x } from '../../vision/lane';"],
  ['src/platform/doctor/a.ts', "import { x } from '../../engine/clock';"],
  ['src/onnx/patterns/a.ts', "import { x } from '../../convert/npy';"],
  ['src/server/a.ts', "import { x } from 'node-red';"],
  ['src/cli/bench/a.ts', "import { x } from 'onnxruntime-node';"],
  ['nodes/smolvlm-caption/a.ts', "import { x } from '../../src/engine/engine';"],
  ['nodes/smolvlm-caption/b.ts', "import { x } from '../../src/mqtt/frigate';"],
];

const allowed: readonly Import[] = [
  ['src/protocol/y.ts', "import { x } from '../errors';"],
  ['src/engine/y.ts', "import { x } from '../vision/lane';"],
  ['src/backends/rknn/y.ts', "import { x } from '../koffi-loader';"],
  ['src/backends/rknn/z.ts', "import { x } from '../../errors';"],
  ['src/platform/doctor/y.ts', "import { x } from '../../model/file-lock';"],
  ['nodes/smolvlm-mqtt/y.ts', "import { x } from '../../src/mqtt/frigate';"],
];

describe('the rules of import between rooms', () => {
  let folder: string;
  let refusals: ReadonlySet<string>;

  after(() => rmSync(folder, { recursive: true }));

  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'smolvlm-import-rules-')));
    copyFileSync('biome.json', join(folder, 'biome.json'));
    for (const [file, statement] of [...refused, ...allowed]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `${statement}\n`);
    }
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [biome, 'lint', '--only=style/noRestrictedImports', '--vcs-enabled=false', '--reporter=github', '.'],
      { cwd: folder, encoding: 'utf8' },
    );
    assert.match(stdout, /::error/, stderr);
    refusals = new Set(
      [...stdout.matchAll(/noRestrictedImports,file=([^,]+)/g)].map(([, file = '']) =>
        relative(folder, file),
      ),
    );
  });

  for (const [file, statement] of refused) {
    it(`refuse ${statement} in ${dirname(file)}`, () => assert.ok(refusals.has(file)));
  }

  for (const [file, statement] of allowed) {
    it(`allow ${statement} in ${dirname(file)}`, () => assert.ok(!refusals.has(file)));
  }
});
