import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BundleFolder, type BundlePart } from '../../../src/convert/bundle/bundle-folder';
import { describeBundleFile } from '../../../src/model/bundle/bundle-file';
import type { BundleManifest } from '../../../src/model/bundle/bundle-manifest';

describe('BundleFolder', () => {
  let root: string;
  let bundleDir: string;
  let made: string[];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'smolvlm-folder-'));
    bundleDir = join(root, 'bundle');
    made = [];
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  /** A part that writes its name into a file. */
  function making(name: string) {
    return async (dir: string): Promise<BundlePart<string>> => {
      made.push(name);
      await writeFile(join(dir, name), name);
      return { files: [await describeBundleFile(dir, name)], entry: `entry ${name}` };
    };
  }

  async function interrupted(key: string): Promise<void> {
    const folder = await BundleFolder.open(bundleDir, key);
    await folder.part('a', making('a'));
    await folder.part('b', making('b'));
  }

  it('continues where it stopped', async () => {
    await interrupted('key');
    const folder = await BundleFolder.open(bundleDir, 'key');
    assert.equal(await folder.part('a', making('a')), 'entry a');
    assert.equal(await folder.part('c', making('c')), 'entry c');
    assert.deepEqual(made, ['a', 'b', 'c']);
  });

  it('makes a part again whose file was changed since', async () => {
    await interrupted('key');
    await writeFile(join(`${bundleDir}.partial`, 'b'), 'B');
    const folder = await BundleFolder.open(bundleDir, 'key');
    await folder.part('a', making('a'));
    await folder.part('b', making('b'));
    assert.deepEqual(made, ['a', 'b', 'b']);
  });

  it('deletes no neighbour of a similar name that it did not make', async () => {
    for (const neighbour of [`${bundleDir}.partial`, `${bundleDir}.replaced`]) {
      await mkdir(neighbour);
      await writeFile(join(neighbour, 'a.jpg'), 'x');
      await assert.rejects(BundleFolder.open(bundleDir, 'key'), { code: 'bundle-place' });
      assert.deepEqual(await readdir(neighbour), ['a.jpg']);
      await rm(neighbour, { recursive: true });
    }
  });

  it('deletes the parts of another key', async () => {
    await interrupted('key');
    const folder = await BundleFolder.open(bundleDir, 'other key');
    await folder.part('a', making('a'));
    assert.deepEqual(made, ['a', 'b', 'a']);
    assert.deepEqual((await readdir(folder.dir)).sort(), ['a', 'parts.json']);
  });

  it('makes a part again next time if it wrote no file', async () => {
    const nothing = async (): Promise<BundlePart<undefined>> => {
      made.push('nothing');
      return { files: [], entry: undefined };
    };
    for (const _ of [1, 2]) await (await BundleFolder.open(bundleDir, 'key')).part('optional', nothing);
    assert.deepEqual(made, ['nothing', 'nothing']);
  });

  it('restores the earlier bundle when a replacement was interrupted', async () => {
    await mkdir(`${bundleDir}.replaced`);
    await writeFile(join(`${bundleDir}.replaced`, 'smolvlm-bundle.json'), '{}');
    await interrupted('key');
    assert.deepEqual((await readdir(root)).sort(), ['bundle', 'bundle.partial']);
    assert.deepEqual(await readdir(bundleDir), ['smolvlm-bundle.json']);
  });

  it('replaces a link to a folder that is gone', async () => {
    await symlink(join(root, 'gone'), bundleDir);
    const folder = await BundleFolder.open(bundleDir, 'key');
    await folder.part('a', making('a'));
    await folder.finish({} as BundleManifest);
    assert.deepEqual((await readdir(bundleDir)).sort(), ['a', 'smolvlm-bundle.json']);
    assert.deepEqual(await readdir(root), ['bundle']);
  });

  it('gives the folder its name only when it is complete, replacing an older one', async () => {
    await interrupted('key');
    assert.ok(!existsSync(bundleDir));
    const folder = await BundleFolder.open(bundleDir, 'key');
    await folder.part('a', making('a'));
    await folder.finish({ schemaVersion: 1 } as BundleManifest);
    assert.deepEqual((await readdir(bundleDir)).sort(), ['a', 'b', 'smolvlm-bundle.json']);
    assert.deepEqual(await readdir(root), ['bundle']);
    const again = await BundleFolder.open(bundleDir, 'key 2');
    await again.part('z', making('z'));
    await again.finish({ schemaVersion: 1 } as BundleManifest);
    assert.deepEqual((await readdir(bundleDir)).sort(), ['smolvlm-bundle.json', 'z']);
  });
});
