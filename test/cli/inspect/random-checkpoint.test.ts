import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { demoModel, repositoryRoot } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

function smolvlm(...args: string[]) {
  const main = join(repositoryRoot, 'dist', 'src', 'cli', 'main.js');
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
}

describe('smolvlm inspect random-checkpoint', () => {
  const temp = useTempFolder();
  const make = (out: string, ...more: string[]) =>
    smolvlm('inspect', 'random-checkpoint', '--configs', demoModel, '--out', out, '--json', ...more);

  it('writes a checkpoint and prints its size as one JSON document', async () => {
    const { status, stdout, stderr } = make(temp('out'), '--seed', '7');
    assert.equal(status, 0, stderr);
    const { sha256, bytes, ...document } = JSON.parse(stdout);
    assert.deepEqual(document, { out: temp('out'), seed: 7, tensors: 237, parameters: 3_329_536 });
    assert.ok(bytes > 2 * 3_329_536);
    await (await openCheckpoint(temp('out'))).close();
    assert.notEqual(JSON.parse(make(temp('other'), '--seed', '8').stdout).sha256, sha256);
  });

  it('overwrites no weights, not even those of the configs through a link', async () => {
    make(temp('out'));
    const before = await stat(temp('out', 'model.safetensors'));
    await symlink(temp('out'), temp('link'));
    for (const args of [
      ['random-checkpoint', '--configs', demoModel, '--out', temp('out')],
      ['random-checkpoint', '--configs', temp('out'), '--out', temp('link')],
      ['outlier-checkpoint', '--model', temp('out'), '--out', temp('link')],
    ]) {
      const { status, stderr } = smolvlm('inspect', ...args);
      assert.equal(status, 1);
      assert.match(stderr, /model\.safetensors would be overwritten \[checkpoint-out\]/);
    }
    assert.equal((await stat(temp('out', 'model.safetensors'))).mtimeMs, before.mtimeMs);
  });

  it('exits 2 for a missing option, a seed that is not a number, and an unknown subcommand', () => {
    const missing = smolvlm('inspect', 'random-checkpoint', '--configs', demoModel);
    assert.deepEqual([missing.status, missing.stdout], [2, '']);
    assert.match(missing.stderr, /--out is missing/);
    assert.match(make(temp('out'), '--seed', 'x').stderr, /--seed: expected a whole number.*received "x"/);
    const unknown = smolvlm('inspect', 'everything');
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /"everything" is unknown.*\n {2}Subcommands: .*random-checkpoint/);
  });

  it('exits 1 and names the file when the configs are missing', () => {
    const { status, stderr } = smolvlm(
      'inspect',
      'random-checkpoint',
      '--configs',
      temp(),
      '--out',
      temp('out'),
    );
    assert.equal(status, 1);
    assert.match(stderr, /there is no config\.json \[checkpoint-missing\]/);
  });
});
