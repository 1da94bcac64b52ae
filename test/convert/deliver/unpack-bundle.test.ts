import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as tar from 'tar';
import { packBundle } from '../../../src/convert/deliver/pack-bundle';
import { unpackBundle } from '../../../src/convert/deliver/unpack-bundle';
import { readBundle } from '../../../src/model/bundle/read-bundle';
import { useTempFolder } from '../../temp-folder';

const manifestName = 'smolvlm-bundle.json';

/** What the files contain; the stages do not load. */
const contents = {
  'vision.onnx': Buffer.alloc(300_000, 'graph'),
  'host/tensors.bin': Buffer.alloc(10_000, 'host'),
  'config.json': Buffer.from('{}'),
  'empty.json': Buffer.alloc(0),
};

function describeFile(path: keyof typeof contents) {
  const data = contents[path];
  return { path, sizeBytes: data.length, sha256: createHash('sha256').update(data).digest('hex') };
}

function manifestText(): string {
  const tensor = { name: 'x', dtype: 'float32', shape: [1] };
  const file = describeFile('vision.onnx');
  return JSON.stringify({
    schemaVersion: 1,
    model: { id: 'ORG/NAME', sha256: 'ab'.repeat(32) },
    target: 'cpu',
    residualScale: 1,
    stages: [{ name: 'vision', file, precision: 'int8', input: tensor, output: tensor }],
    host: describeFile('host/tensors.bin'),
    configs: [describeFile('config.json'), describeFile('empty.json')],
    created: '2026-01-01T00:00:00.000Z',
  });
}

describe('unpackBundle', () => {
  const temp = useTempFolder();
  const names = [manifestName, ...Object.keys(contents)];

  beforeEach(async () => {
    await write('in', manifestName, manifestText());
    for (const [name, data] of Object.entries(contents)) await write('in', name, data);
  });

  async function write(folder: string, name: string, data: string | Buffer): Promise<void> {
    await mkdir(dirname(temp(folder, name)), { recursive: true });
    await writeFile(temp(folder, name), data);
  }

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
    await write('in', 'run-me.sh', 'x');
    await unpackBundle(await archiveOf(['run-me.sh', ...names]), temp('out'));
    await assertUnpacked();
  });

  it('takes the first of two files with the same name', async () => {
    await archiveOf(names);
    await write('in', 'config.json', '[]');
    await tar.replace({ file: temp('bundle.tar'), cwd: temp('in') }, ['config.json']);
    await unpackBundle(temp('bundle.tar'), temp('out'));
    await assertUnpacked();
  });

  it('refuses a file of another size before it is written', async () => {
    await write('in', 'config.json', Buffer.alloc(5_000_000));
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
    await write('in', 'config.json', '[]');
    await refuses(await archiveOf(names), 'bundle-file-changed', /config\.json/);
  });

  it('writes nothing outside its folder', async () => {
    await writeFile(temp('outside'), 'x');
    const evil = await archiveOf(['../outside', ...names], { preservePaths: true });
    await unpackBundle(evil, temp('deep', 'out'));
    assert.ok(!existsSync(temp('deep', 'outside')));
  });

  it('refuses an archive that unpacks to many times its size, and leaves the event loop free', async () => {
    await write('in', 'zeros', Buffer.alloc(200_000_000));
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
    await writeFile(temp('cut.tar'), (await readFile(await archiveOf(names))).subarray(0, 200_000));
    await refuses(temp('cut.tar'), 'archive-damaged', /Truncated/);
  });

  it('refuses a manifest of unreasonable size', async () => {
    await write('in', manifestName, `${' '.repeat(5_000_000)}${manifestText()}`);
    await refuses(await archiveOf(names), 'archive-damaged', /smolvlm-bundle\.json has \d+ bytes/);
  });
});
