import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeBundleFile, verifyBundleFile } from '../../../src/model/bundle/bundle-file';
import { readBundle } from '../../../src/model/bundle/read-bundle';

describe('verifyBundleFile', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'smolvlm-bundle-'));
    await writeFile(join(dir, 'stage.onnx'), 'seven b');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('accepts an unchanged file', async () => {
    await verifyBundleFile(dir, await describeBundleFile(dir, 'stage.onnx'));
  });

  it('names a file that is missing, cut short or changed', async () => {
    const described = await describeBundleFile(dir, 'stage.onnx');
    const path = join(dir, 'stage.onnx');
    await writeFile(path, 'Seven b');
    await assert.rejects(verifyBundleFile(dir, described), {
      code: 'bundle-file-changed',
      message: /stage\.onnx/,
    });
    await truncate(path, 3);
    await assert.rejects(verifyBundleFile(dir, described), {
      code: 'bundle-file-size',
      message: `${path}: expected 7 bytes, found 3`,
    });
    await appendFile(path, 'longer than before');
    await assert.rejects(verifyBundleFile(dir, described), { code: 'bundle-file-size' });
    await rm(path);
    await assert.rejects(verifyBundleFile(dir, described), { code: 'bundle-file-missing' });
  });

  it('says that a folder without a manifest is not a bundle, or that none was found', async () => {
    await assert.rejects(readBundle(dir), { code: 'bundle-manifest-missing', message: /is not a bundle/ });
    const missing = join(dir, 'missing');
    await assert.rejects(readBundle(missing), {
      code: 'bundle-manifest-missing',
      message: `no folder found at ${missing}`,
    });
  });
});
