import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { warnOfMissingModels } from '../../../src/cli/serve/missing-models';
import { useTempFolder } from '../../temp-folder';

describe('an engine that starts', () => {
  const folder = useTempFolder();

  it('names the models that are not there, and only those', async () => {
    const checkpoints = join(folder(), 'checkpoints');
    const pulled = join(checkpoints, 'org', 'name', '0123456');
    mkdirSync(pulled, { recursive: true });
    writeFileSync(join(pulled, 'config.json'), '{}');
    const lines: string[] = [];
    const missing = join(folder(), 'moved');
    const models = ['demo', pulled, 'org/name@0123456', undefined, missing, missing, 'org/other'];
    await warnOfMissingModels(models, checkpoints, (line) => lines.push(line));
    assert.equal(lines.length, 2);
    assert.match(
      lines[0] ?? '',
      /^warning: expected a model, received ".*moved": the folder does not exist\. Give "demo"/,
    );
    assert.equal(
      lines[1],
      'warning: the model org/other is not on this machine. Download it first: smolvlm pull org/other',
    );
  });
});
