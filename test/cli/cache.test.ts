import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { useTempFolder } from '../temp-folder';
import type { Ended } from './run-smolvlm';
import { runSmolvlmHere } from './run-smolvlm-here';

const commit = '0123456789abcdef0123456789abcdef01234567';

describe('smolvlm cache', () => {
  const temp = useTempFolder();
  const checkpoint = (): string => temp('cache', 'checkpoints', 'ORG', 'NAME', commit);
  const download = (): string => temp('cache', 'checkpoints', 'ORG', 'OTHER', `${commit}.partial`);

  beforeEach(() => {
    for (const [dir, bytes] of [
      [checkpoint(), 3_000_000],
      [download(), 1_200_000],
    ] as const) {
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, 'model.safetensors'), Buffer.alloc(bytes));
    }
  });

  function smolvlm(...args: string[]): Promise<Ended> {
    return runSmolvlmHere(['cache', ...args], { SMOLVLM_CACHE: temp('cache') });
  }

  it('lists what is kept, the largest first, with sizes and their sum', async () => {
    const { status, stdout } = await smolvlm();
    assert.equal(status, 0);
    assert.match(stdout, /checkpoint +ORG\/NAME +0123456 +3\.0 MB\n.*download +ORG\/OTHER +0123456 +1\.2 MB/);
    assert.match(stdout, /Total: 4\.2 MB/);
  });

  it('lists as JSON', async () => {
    const { stdout } = await smolvlm('list', '--json');
    assert.deepEqual(JSON.parse(stdout)[0], {
      ...{ kind: 'checkpoint', name: 'ORG/NAME', version: '0123456' },
      ...{ path: checkpoint(), size_bytes: 3_000_000 },
    });
  });

  it('clears what is named and keeps the rest, then everything', async () => {
    const named = await smolvlm('clear', 'ORG/OTHER');
    assert.match(named.stdout, /Removed 1, 1\.2 MB/);
    assert.deepEqual([existsSync(download()), existsSync(checkpoint())], [false, true]);
    await smolvlm('clear', '--all');
    assert.match((await smolvlm()).stdout, /The cache .* is empty/);
  });

  for (const [args, says] of [
    [['clear'], /expected names, or --all/],
    [['clear', 'ORG/NAME', '--all'], /expected names, or --all/],
    [['clear', 'ORG/MISSING'], /the cache does not hold ORG\/MISSING/],
    [['list', 'ORG/NAME'], /list takes no names/],
    [['prune'], /expected list or clear, received "prune"/],
  ] as const) {
    it(`refuses "${args.join(' ')}" and removes nothing`, async () => {
      const { status, stderr } = await smolvlm(...args);
      assert.notEqual(status, 0);
      assert.match(stderr, says);
      assert.ok(existsSync(checkpoint()));
    });
  }
});
