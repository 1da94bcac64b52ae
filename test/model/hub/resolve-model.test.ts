import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import {
  commitFolder,
  parseHubReference,
  resolveModel,
  revisionFile,
} from '../../../src/model/hub/resolve-model';
import { demoModel } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

const commit = 'c0ffee'.padEnd(40, '0');

describe('resolveModel', () => {
  const temp = useTempFolder();
  const resolveHere = (model: string) => resolveModel(model, temp('checkpoints'));

  it('finds the shipped demo model', async () => {
    const found = await resolveHere('demo');
    assert.deepEqual(found, { dir: demoModel, kind: 'checkpoint', name: 'demo' });
    await (await openCheckpoint(found.dir)).close();
  });

  it('distinguishes a checkpoint folder, a bundle and anything else', async () => {
    for (const [name, file, kind] of [
      ['a', 'config.json', 'checkpoint'],
      ['b', 'smolvlm-bundle.json', 'bundle'],
      ['c', 'l0_attn.rknn', 'bundle'],
    ] as const) {
      await mkdir(temp(name));
      await writeFile(temp(name, file), '{}');
      assert.deepEqual(await resolveHere(temp(name)), { dir: temp(name), kind, name });
    }
    await assert.rejects(resolveHere(temp()), { code: 'model-unknown-folder', hint: /config.json/ });
    await assert.rejects(resolveHere(temp('nowhere')), {
      code: 'model-missing',
      message: /the folder does not exist/,
    });
    await assert.rejects(resolveHere(temp('a', 'config.json')), {
      code: 'model-missing',
      message: /it is not a folder/,
    });
  });

  it('finds a pulled model by branch and by commit, and says how to pull one that is missing', async () => {
    const pulled = commitFolder('ORG/NAME', commit, temp('checkpoints'));
    await mkdir(pulled, { recursive: true });
    await writeFile(`${pulled}/config.json`, '{}');
    await assert.rejects(resolveHere('ORG/NAME'), {
      code: 'model-not-pulled',
      hint: 'Download it first: smolvlm pull ORG/NAME',
    });
    await mkdir(temp('checkpoints', 'ORG', 'NAME', 'refs'));
    await writeFile(revisionFile({ id: 'ORG/NAME', revision: 'main' }, temp('checkpoints')), commit);
    const found = { dir: pulled, kind: 'checkpoint', name: 'ORG/NAME' };
    assert.deepEqual(await resolveHere('ORG/NAME'), found);
    assert.deepEqual(await resolveHere(`ORG/NAME@${commit}`), found);
    await assert.rejects(resolveHere('ORG/NAME@dev'), { code: 'model-not-pulled' });
  });

  it('does not take a path for a hub id', () => {
    assert.deepEqual(parseHubReference('ORG/NAME@refs/pr/1'), { id: 'ORG/NAME', revision: 'refs/pr/1' });
    for (const text of ['NAME', '../NAME', 'ORG/..', './NAME', 'a/b/c', 'ORG/NAME@', 'ORG/NAME@../x']) {
      assert.equal(parseHubReference(text), undefined, text);
    }
  });
});
