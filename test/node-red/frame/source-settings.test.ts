import assert from 'node:assert/strict';
import { sourceSettings } from '../../../src/node-red/frame/source-settings';

describe('sourceSettings', () => {
  it('has sensible times where the dialog says nothing', () => {
    assert.deepEqual(sourceSettings({ source: 'snapshot', url: 'http://camera/snap' }), {
      ...{ kind: 'snapshot', url: new URL('http://camera/snap'), timeoutMs: 10_000, retries: 2 },
    });
    assert.deepEqual(sourceSettings({ source: 'rtsp', url: 'rtsp://camera/live', interval: '20' }), {
      ...{ kind: 'rtsp', url: new URL('rtsp://camera/live'), intervalMs: 20_000, timeoutMs: 10_000 },
    });
    assert.deepEqual(sourceSettings({ source: 'folder', folder: ' /in ' }), {
      ...{ kind: 'folder', folder: '/in', intervalMs: 1000 },
    });
  });

  it('refuses intervals longer than a day and timeouts longer than an hour', () => {
    for (const [field, most] of [
      ['interval', 86_400],
      ['timeout', 3_600],
    ] as const) {
      assert.throws(
        () => sourceSettings({ source: 'snapshot', url: 'http://camera/snap', [field]: most + 1 }),
        {
          ...{
            code: 'node-property',
            message: new RegExp(`^${field}: expected a number from .* to ${most},`),
          },
        },
      );
    }
  });

  it('refuses an interval that the source cannot keep', () => {
    for (const [dialog, least] of [
      [{ source: 'mjpeg', url: 'http://camera/live' }, 0.04],
      [{ source: 'rtsp', url: 'rtsp://camera/live' }, 0.04],
      [{ source: 'folder', folder: '/in' }, 0.2],
    ] as const) {
      assert.throws(() => sourceSettings({ ...dialog, interval: least / 2 }), {
        message: `interval: expected a number from ${least} to 86400, received ${least / 2}`,
      });
      const settings = sourceSettings({ ...dialog, interval: least });
      assert.equal('intervalMs' in settings && settings.intervalMs, least * 1000);
    }
  });

  const snapshot = (url: string, more: object = {}): object => ({ source: 'snapshot', url, ...more });

  it('takes a user without a password, and no password without a user', () => {
    const credentials = (login: object): unknown =>
      (sourceSettings(snapshot('http://camera/snap'), login) as { credentials?: unknown }).credentials;
    assert.deepEqual(credentials({ user: 'me' }), { user: 'me', password: '' });
    assert.equal(credentials({ user: '', password: 'x' }), undefined);
    assert.equal(credentials({}), undefined);
  });

  it('fills user and password in where the address has {user} and {password}, percent-encoded', () => {
    const login = { user: 'a b', password: 'p&w#d/{user}' };
    const href = (url: string, source = 'snapshot'): string =>
      (sourceSettings({ source, url }, login) as { url: URL }).url.href;
    assert.equal(
      href('http://camera/api?cmd=Snap&user={user}&password={password}'),
      'http://camera/api?cmd=Snap&user=a%20b&password=p%26w%23d%2F%7Buser%7D',
    );
    assert.equal(
      href('rtsp://{user}:{password}@camera/live', 'rtsp'),
      'rtsp://a%20b:p%26w%23d%2F%7Buser%7D@camera/live',
    );
    assert.equal(href('http://camera/{other}'), 'http://camera/%7Bother%7D');
  });

  it('says which credential an address needs, and never shows one', () => {
    assert.throws(() => sourceSettings(snapshot('http://camera/?pwd={password}'), { user: 'me' }), {
      code: 'node-property',
      message: 'password: expected a value for {password} in the address, received nothing',
    });
    assert.throws(
      () => sourceSettings(snapshot('ftp://{user}:{password}@camera/'), { user: 'me', password: 'hunter2' }),
      (error: Error) => !/hunter2/.test(error.message),
    );
  });

  it('takes a fingerprint as tools print it, which is stricter than any certificate', () => {
    const trust = (more: object): unknown =>
      (sourceSettings(snapshot('https://camera/snap', more)) as { trust?: unknown }).trust;
    const digits = 'ab'.repeat(32);
    const fingerprint = digits.replaceAll(/..(?!$)/g, '$&:');
    assert.deepEqual(trust({ fingerprint, anyCertificate: true }), { fingerprint: digits.toUpperCase() });
    assert.deepEqual(trust({ anyCertificate: true }), { any: true });
    assert.equal(trust({}), undefined);
    assert.throws(() => trust({ fingerprint: 'abc' }), { message: /^fingerprint: expected the 64 hex/ });
  });
});
