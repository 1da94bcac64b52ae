import assert from 'node:assert/strict';
import { isOlderVersion, packageVersion, versionOnDisk } from '../../src/package-version';
import { watchPackage } from '../../src/server/watch-package';

describe('the package of a running engine', () => {
  it('is found replaced when another version is installed in its place, and when it is removed', async () => {
    const states: ((found: string | undefined) => void)[] = [];
    for (const found of ['0.2.0', undefined]) {
      let version: string | undefined = '0.1.0';
      const read = (): string => {
        if (version === undefined) throw new Error('ENOENT');
        states.shift()?.(version);
        return version;
      };
      const replaced = new Promise<string | undefined>((resolve) => {
        watchPackage('0.1.0', resolve, read, 1);
      });
      await new Promise<unknown>((resolve) => states.push(resolve));
      version = found;
      assert.equal(await replaced, found);
    }
    assert.equal(packageVersion(), versionOnDisk());
  });

  it('is older than another by numbers, and than its release before it', () => {
    for (const [older, newer] of [
      ['0.1.0', '0.1.1'],
      ['0.9.0', '0.10.0'],
      ['1.0.0-beta.2', '1.0.0-beta.10'],
      ['1.0.0-rc.1', '1.0.0'],
    ] as const) {
      assert.equal(isOlderVersion(older, newer), true, `${older} ${newer}`);
      assert.equal(isOlderVersion(newer, older), false, `${newer} ${older}`);
    }
    for (const same of ['1.0.0', 'unknown']) assert.equal(isOlderVersion(same, same), false);
  });
});
