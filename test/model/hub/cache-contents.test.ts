import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { writePreparedRecord } from '../../../src/model/bundle/prepared-record';
import { clearCache, listCache } from '../../../src/model/hub/cache-contents';
import { useTempFolder } from '../../temp-folder';

describe('listCache and clearCache', () => {
  const temp = useTempFolder();
  const commit = '0123456789abcdef0123456789abcdef01234567';

  beforeEach(async () => {
    for (const [dir, bytes] of [
      [`checkpoints/ORG/NAME/${commit}`, 300],
      [`checkpoints/ORG/OTHER/${commit}.partial`, 20],
      ['checkpoints/ORG/NAME/refs', 5],
      ['bundles/NAME-int8-int8-0123456789abcdef/stages', 1000],
    ] as const) {
      mkdirSync(temp('cache', dir), { recursive: true });
      writeFileSync(temp('cache', dir, 'file'), Buffer.alloc(bytes));
    }
    await writePreparedRecord(temp('cache/bundles/NAME-int8-int8-0123456789abcdef'), { builder: 6 });
  });

  it('lists checkpoints, interrupted downloads and bundles with version and size', async () => {
    const found = await listCache(temp('cache'));
    assert.deepEqual(
      found.map(({ kind, name, version }) => [kind, name, version]),
      [
        ['bundle', 'NAME-int8-int8-0123456789abcdef', 'builder 6'],
        ['checkpoint', 'ORG/NAME', '0123456'],
        ['download', 'ORG/OTHER', '0123456'],
      ],
    );
    assert.deepEqual(
      found.slice(1).map(({ sizeBytes }) => sizeBytes),
      [300, 20],
    );
  });

  it('removes what is named, else everything', async () => {
    assert.equal((await clearCache(['ORG/NAME'], temp('cache'))).length, 1);
    assert.ok(!existsSync(temp('cache/checkpoints/ORG/NAME', commit)));
    assert.equal((await listCache(temp('cache'))).length, 2);
    await clearCache([], temp('cache'));
    assert.deepEqual(await listCache(temp('cache')), []);
  });

  it('finds nothing where there is no cache', async () => {
    assert.deepEqual(await listCache(temp('none')), []);
  });
});
