import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeBundleFile, verifyBundleFile } from '../../../src/model/bundle/bundle-file';
import { parseBundleManifest } from '../../../src/model/bundle/parse-bundle-manifest';
import { readBundle } from '../../../src/model/bundle/read-bundle';
import { file, manifest, stage, tensor } from './manifest-fixture';

function refuses(change: object, message: RegExp, code = 'bundle-manifest-invalid'): void {
  const text = JSON.stringify({ ...manifest, ...change });
  assert.throws(() => parseBundleManifest(text, 'b.json'), { code, message });
}

describe('parseBundleManifest', () => {
  it('reads every field', () => {
    assert.deepEqual(parseBundleManifest(JSON.stringify(manifest), 'b.json'), manifest);
  });

  it('names the field and its value', () => {
    refuses({ target: 'rk3399' }, /b\.json: target: expected .*received "rk3399"/);
    refuses({ residualScale: 0 }, /residualScale: .*received 0/);
    refuses({ stages: [] }, /stages: expected at least one stage/);
    refuses({ stages: [stage, stage] }, /stages of different names/);
    refuses({ stages: [{ ...stage, input: { ...tensor, shape: [1, -1] } }] }, /stages\[0\]\.input\.shape/);
    refuses({ host: { ...file, sha256: 'ff' } }, /host\.sha256/);
    refuses({ host: { ...file, sizeBytes: -1 } }, /host\.sizeBytes/);
  });

  it('refuses another schema version, and says what to do', () => {
    refuses({ schemaVersion: 2 }, /expected schemaVersion 1, received 2/, 'bundle-schema');
  });

  it('refuses a path outside of the bundle', () => {
    for (const path of ['../secret', '/etc/passwd', 'a/../../b', 'a\\..\\b', 'a\0b']) {
      refuses({ host: { ...file, path } }, /host\.path: expected a path inside the bundle/);
    }
  });

  it('refuses text that is not JSON', () => {
    assert.throws(() => parseBundleManifest('{"schemaVersion":', 'b.json'), {
      code: 'bundle-manifest-invalid',
      message: /b\.json: is not JSON/,
    });
  });
});

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

  it('says that a folder without a manifest is not a bundle', async () => {
    await assert.rejects(readBundle(dir), { code: 'bundle-manifest-missing', message: /is not a bundle/ });
  });
});
