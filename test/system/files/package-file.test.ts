import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { packageVersion } from '../../../src/package-version';
import { packageFile } from '../../../src/system/files/package-file';

describe('packageFile', () => {
  it('finds the files that the package ships beside its code', () => {
    const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));
    assert.equal(version, packageVersion());
    for (const path of [
      ['models', 'demo'],
      ['models', 'demo-frames'],
      ['python', 'requirements.txt'],
    ]) {
      assert.ok(existsSync(packageFile(...path)), path.join('/'));
    }
  });
});
