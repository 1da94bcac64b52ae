import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JudgedRow } from '../../../src/cli/bench/board/board-checklist';
import { EmulatedRkllm } from '../../backends/rkllm/emulated-rkllm';
import { EmulatedNpu } from '../../backends/rknn/emulated-npu';
import { repositoryRoot } from '../../fixtures';
import { EmulatedBundle } from '../../inference/npu/emulated-bundle';
import { useTempFolder } from '../../temp-folder';

describe('bench --board', function () {
  this.timeout(300_000);
  const temp = useTempFolder();

  it('measures everything on an emulated board and writes one file', async () => {
    const npu = await EmulatedNpu.create({ SMOLVLM_NPU_CORES: '3' });
    const rkllm = await EmulatedRkllm.create('1.2');
    const bundle = await EmulatedBundle.create({ npuDecoder: true, reference: true });
    try {
      const main = join(repositoryRoot, 'dist', 'src', 'cli', 'main.js');
      const args = [main, 'bench', '--board', '--model', bundle.dir, '--out', temp('report.json')];
      await promisify(execFile)(process.execPath, args);
      const report = JSON.parse(await readFile(temp('report.json'), 'utf8'));
      const { contexts, passes, captions, validation, doctor } = report;
      assert.equal(contexts.found.contexts, 24);
      assert.equal(contexts.found.library.path, npu.library);
      assert.deepEqual(contexts.found.process.before.nice, contexts.found.process.after.nice);
      assert.equal(contexts.found.first_stage.input.format, 3);
      assert.deepEqual(
        Object.values(contexts.found.core_masks),
        Array.from({ length: 5 }, () => 'accepted'),
      );
      assert.equal(Object.keys(passes.found.ways.safe.one_tile.stages_ms).length, 24);
      assert.equal(passes.found.ways.zero_copy.refused, undefined);
      assert.ok(passes.found.ways.shared_scratch.pipelined_ms > 0);
      assert.ok(captions.found.same >= captions.found.of - 1);
      assert.equal(captions.found.backends.npu, 'rknn fp16 + onnxruntime int8');
      assert.equal(validation.found.pass, true);
      assert.ok(doctor.found.checks.length > 5);
      const { library, cpu, embed, multimodal, embed_flash: flash } = report.rkllm.found;
      assert.deepEqual([library.version, library.abi], ['1.2.3', '1.2']);
      assert.ok(embed.text.startsWith(cpu.text.slice(0, 20)));
      assert.deepEqual([flash.text, flash.backend], [embed.text, 'rknn fp16 + rkllm']);
      assert.match(multimodal.text, /<image>Describe this image/);
      await holdsWhatTheChecklistLooksAt(report);
      await isReadBack(temp('report.json'));
      assert.deepEqual([...(await npu.violations()), ...(await rkllm.violations())], []);
    } finally {
      await bundle.remove();
      await rkllm.remove();
      await npu.remove();
    }
  });
});

/** `doctor --report` judges each row; of an emulated board only the machine is wrong: it has no NPU. */
async function isReadBack(path: string): Promise<void> {
  const main = join(repositoryRoot, 'dist', 'src', 'cli', 'main.js');
  const args = [main, 'doctor', '--report', path, '--json'];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 1);
  const rows: JudgedRow[] = JSON.parse(stdout).rows;
  assert.deepEqual(
    rows.map(({ row }) => row),
    Array.from({ length: 19 }, (_, index) => index + 1),
  );
  const bad = rows.filter(({ state }) => state === 'bad');
  assert.deepEqual(
    bad.map(({ row, next }) => [row, next]),
    [[1, 'Run smolvlm doctor on the board: this machine has no usable NPU.']],
  );
  for (const row of [2, 3, 4, 7, 13, 14, 18])
    assert.equal(rows[row - 1]?.state, 'ok', JSON.stringify(rows[row - 1]));
}

/** Every path in the checklist's column "Where to look" leads to something in the report. */
async function holdsWhatTheChecklistLooksAt(report: unknown): Promise<void> {
  const page = await readFile(join(repositoryRoot, 'docs', 'board-checklist.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| \d+ \|/.test(line));
  const paths = rows.flatMap((row) => [
    ...(row.split(/(?<!\\)\|/)[3] ?? '').matchAll(/`([a-z_]+\.[\w.]+)`/g),
  ]);
  assert.ok(rows.length >= 19 && paths.length >= 17, `${rows.length} rows, ${paths.length} paths`);
  for (const [, path = ''] of paths) {
    // This machine may have no sensor.
    if (/\.temperature\./.test(path)) continue;
    let at: unknown = report;
    for (const name of path.split('.')) at = (at as Record<string, unknown> | undefined)?.[name];
    assert.notEqual(at, undefined, `docs/board-checklist.md reads ${path}`);
  }
}
