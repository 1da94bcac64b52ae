import assert from 'node:assert/strict';
import { parseBundleManifest } from '../../../src/model/bundle/parse-bundle-manifest';
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
    refuses({ stages: [stage, stage] }, /stages with different names/);
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
