import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import * as tar from 'tar';
import { packBundle } from '../../../src/convert/deliver/pack-bundle';
import { unpackBundle } from '../../../src/convert/deliver/unpack-bundle';
import { readBundle } from '../../../src/model/bundle/read-bundle';
import { useTempFolder } from '../../temp-folder';
import { contents, manifestName, manifestText, writeInto, writeTinyBundle } from './tiny-bundle';

describe('unpackBundle', () => {
  const temp = useTempFolder();
  const names = [manifestName, ...Object.keys(contents)];

  beforeEach(() => writeTinyBundle(temp('in')));

  /** @returns the path of an archive of these files, in this order */
  async function archiveOf(files: readonly string[], options: object = {}): Promise<string> {
    await tar.create({ file: temp('bundle.tar'), cwd: temp('in'), ...options }, [...files]);
    return temp('bundle.tar');
  }

  async function refuses(archive: string, code: string, message: RegExp): Promise<void> {
    await assert.rejects(unpackBundle(archive, temp('out')), { code, message });
    assert.ok(!existsSync(temp('out')));
  }

  async function assertUnpacked(): Promise<void> {
    for (const [name, data] of Object.entries(contents)) {
      assert.deepEqual(await readFile(temp('out', name)), data);
    }
    assert.deepEqual((await readdir(temp('out'))).sort(), [
      'config.json',
      'empty.json',
      'host',
      manifestName,
      'vision.onnx',
    ]);
  }

  it('restores the files that were packed', async () => {
    await packBundle(await readBundle(temp('in')), temp('bundle.tar'));
    const packed: string[] = [];
    await tar.list({ file: temp('bundle.tar'), onReadEntry: ({ path }) => void packed.push(path) });
    assert.equal(packed[0], manifestName);
    const { manifest } = await unpackBundle(temp('bundle.tar'), temp('out'));
    assert.deepEqual(manifest, JSON.parse(manifestText()));
    await assertUnpacked();
  });

  it('reads an archive that somebody else packed: any order, names that begin with a dot, gzip', async () => {
    const others = [...names].reverse().map((name) => `./${name}`);
    await unpackBundle(await archiveOf(others, { gzip: true }), temp('out'));
    await assertUnpacked();
  });

  it('writes nothing that the manifest does not name', async () => {
    await writeInto(temp('in'), 'run-me.sh', 'x');
    await unpackBundle(await archiveOf(['run-me.sh', ...names]), temp('out'));
    await assertUnpacked();
  });

  it('takes the first of two files with the same name', async () => {
    await archiveOf(names);
    await writeInto(temp('in'), 'config.json', '[]');
    await tar.replace({ file: temp('bundle.tar'), cwd: temp('in') }, ['config.json']);
    await unpackBundle(temp('bundle.tar'), temp('out'));
    await assertUnpacked();
  });

  it('refuses a file of another size before it is written', async () => {
    await writeInto(temp('in'), 'config.json', Buffer.alloc(5_000_000));
    await refuses(
      await archiveOf(names),
      'bundle-file-size',
      /config\.json: expected 2 bytes, found 5000000/,
    );
  });

  it('refuses a file of other contents, a missing file, and an archive without a manifest', async () => {
    await refuses(await archiveOf(names.slice(0, -1)), 'bundle-file-missing', /empty\.json/);
    await refuses(
      await archiveOf(names.slice(1)),
      'archive-damaged',
      /does not contain smolvlm-bundle\.json/,
    );
    await writeInto(temp('in'), 'config.json', '[]');
    await refuses(await archiveOf(names), 'bundle-file-changed', /config\.json/);
  });

  it('writes nothing outside its folder', async () => {
    await writeFile(temp('outside'), 'x');
    const evil = await archiveOf(['../outside', ...names], { preservePaths: true });
    await unpackBundle(evil, temp('deep', 'out'));
    assert.ok(!existsSync(temp('deep', 'outside')));
  });

  it('refuses an archive that unpacks to many times its size, and leaves the event loop free', async () => {
    await writeInto(temp('in'), 'zeros', Buffer.alloc(200_000_000));
    const bomb = await archiveOf(['zeros', ...names], { gzip: true });
    let turns = 0;
    let done = false;
    const count = (): void => {
      turns++;
      if (!done) setImmediate(count);
    };
    count();
    await refuses(bomb, 'archive-damaged', /unpacks to more than 20 times its size/);
    done = true;
    assert.ok(turns > 100, `${turns} turns of the event loop`);
  });

  it('refuses an archive that is compressed twice or cut short', async () => {
    const archive = await archiveOf(names, { gzip: true });
    const data = await readFile(archive);
    await writeFile(temp('twice.tar'), gzipSync(data));
    await refuses(temp('twice.tar'), 'archive-damaged', /cannot be unpacked/);
    await writeFile(temp('cut.tar'), data.subarray(0, data.length - 300));
    await refuses(temp('cut.tar'), 'archive-damaged', /unexpected end of file/);
    await writeFile(temp('cut.tar'), (await readFile(await archiveOf(names))).subarray(0, 3_000));
    await refuses(temp('cut.tar'), 'archive-damaged', /Truncated/);
  });

  it('refuses a manifest of unreasonable size', async () => {
    await writeInto(temp('in'), manifestName, `${' '.repeat(5_000_000)}${manifestText()}`);
    await refuses(await archiveOf(names), 'archive-damaged', /smolvlm-bundle\.json has \d+ bytes/);
  });
});
