import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CameraAccess } from '../../src/picture/camera/camera-access';
import { fetchPictureWith } from '../../src/picture/fetch-picture';
import { defaultPictureLimits } from '../../src/picture/picture-limits';
import { demoFrame } from '../fixtures';
import { fetchedFrom, RawCamera, rawPicture, rawUnauthorized, useRawCamera } from '../raw-camera';

const porch = readFileSync(demoFrame('frame_05_porch_day.jpg'));
const credentials = { user: 'admin', password: 'geheim!1' };

describe('fetchPicture', () => {
  const camera = useRawCamera();
  const fetched = (...options: [CameraAccess?, string?, number?]) => fetchedFrom(camera(), ...options);

  describe('logging in', () => {
    const hash = (algorithm: string, text: string): string =>
      createHash(/^md5/i.test(algorithm) ? 'md5' : /512/.test(algorithm) ? 'sha512-256' : 'sha256')
        .update(text, 'latin1')
        .digest('hex');

    /** Kämera in UTF-8, its bytes as Latin-1. */
    const umlaut = 'K\xc3\xa4mera';

    /** Whether a header answers a challenge as RFC 7616 computes it. */
    function answers(
      header: string,
      url: string,
      { algorithm = 'MD5', nonce = 'n1', qop = 'auth', realm = 'cam' },
    ): boolean {
      const field = (name: string): string =>
        new RegExp(`[ ,]${name}="?((?:\\\\.|[^",])*)"?`).exec(header)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? '';
      if (!header.startsWith('Digest ') || field('nonce') !== nonce || field('uri') !== url) return false;
      const plain = hash(algorithm, `${credentials.user}:${realm}:${credentials.password}`);
      const a1 = /-sess$/i.test(algorithm) ? hash(algorithm, `${plain}:${nonce}:${field('cnonce')}`) : plain;
      const a2 = hash(algorithm, `GET:${url}${qop === 'auth-int' ? `:${hash(algorithm, '')}` : ''}`);
      const middle = qop === '' ? '' : `:${field('nc')}:${field('cnonce')}:${field('qop')}`;
      return field('qop') === qop && field('response') === hash(algorithm, `${a1}:${nonce}${middle}:${a2}`);
    }

    it('brings back the cookie of a redirect, and of a refused request', async () => {
      camera().answer = ({ authorization, url, cookie }) => {
        if (!/\bsid=4 2\b/.test(cookie))
          return `HTTP/1.1 302 Found\r\nSet-Cookie: sid=4 2; Path=/; HttpOnly\r\nLocation: ${url}\r\n\r\n`;
        if (!/\btry=1\b/.test(cookie)) {
          return `HTTP/1.1 401 Unauthorized\r\nSet-Cookie: old=1; Max-Age=0\r\nSet-Cookie: gone=; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\nSet-Cookie: try=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\nWWW-Authenticate: Digest realm="cam", nonce="n1", qop="auth"\r\n\r\n`;
        }
        return cookie === 'sid=4 2; try=1' && answers(authorization, url, {})
          ? rawPicture(porch)
          : rawUnauthorized();
      };
      assert.ok(porch.equals((await fetched({ credentials })).bytes));
    });

    it('sends a cookie only to the origin that set it', async () => {
      await using other = new RawCamera();
      await other.listen();
      other.answer = () => rawPicture(porch);
      camera().answer = () =>
        `HTTP/1.1 302 Found\r\nSet-Cookie: sid=42\r\nLocation: ${other.url().href}\r\n\r\n`;
      await fetched();
      assert.deepEqual(
        other.requests.map(({ cookie }) => cookie),
        [''],
      );
    });

    for (const [name, challenges, expected] of [
      ['MD5', ['Digest realm="cam", nonce="n1", qop="auth", algorithm=MD5'], {}],
      ['MD5 without its name', ['Digest realm="cam", nonce="n1", qop="auth"'], {}],
      [
        'MD5-sess',
        ['Digest realm="cam", nonce="n1", qop="auth", algorithm=MD5-sess'],
        { algorithm: 'MD5-sess' },
      ],
      [
        'SHA-256',
        ['Digest realm="cam", nonce="n1", qop="auth", algorithm=SHA-256'],
        { algorithm: 'SHA-256' },
      ],
      [
        'SHA-512-256',
        ['Digest realm="cam", nonce="n1", qop="auth", algorithm=SHA-512-256'],
        { algorithm: 'SHA-512-256' },
      ],
      ['a quoted algorithm', ['Digest realm="cam", nonce="n1", qop="auth,auth-int", algorithm="MD5"'], {}],
      ['RFC 2069, without qop', ['Digest realm="cam", nonce="n1"'], { qop: '' }],
      ['a blank qop', ['Digest realm="cam", nonce="n1", qop=""'], { qop: '' }],
      ['auth-int only', ['Digest realm="cam", nonce="n1", qop="auth-int"'], { qop: 'auth-int' }],
      ['scheme and names in other case', ['DIGEST Realm="cam", NONCE="n1", QOP="AUTH"'], {}],
      ['a realm without quotes', ['Digest realm=IP Camera, nonce="n1", qop="auth"'], { realm: 'IP Camera' }],
      [
        'a realm without quotes, with a number in brackets',
        ['Digest realm=IP Camera(C1234), nonce="n1", qop="auth"'],
        { realm: 'IP Camera(C1234)' },
      ],
      [
        'two challenges, MD5 first',
        [
          'Digest qop="auth", realm="cam", nonce="n1", stale="FALSE"',
          'Digest qop="auth", realm="cam", nonce="n2", algorithm=SHA-256',
        ],
        {},
      ],
      [
        'two challenges, SHA-256 first',
        [
          'Digest qop="auth", realm="cam", nonce="n2", algorithm=SHA-256',
          'Digest qop="auth", realm="cam", nonce="n1", algorithm=MD5',
        ],
        { nonce: 'n2', algorithm: 'SHA-256' },
      ],
      [
        'an unknown algorithm first',
        [
          'Digest realm="cam", nonce="n9", algorithm=SHA-999, qop="auth"',
          'Digest realm="cam", nonce="n1", qop="auth"',
        ],
        {},
      ],
      ['words without quotes', ['Digest realm=cam, nonce=n1, qop=auth, stale=false, algorithm=md5'], {}],
      ['blanks in qop', ['Digest realm="cam",nonce="n1",qop="auth-int, auth",domain="/",opaque=""'], {}],
      ['signs in the nonce', ['Digest realm="cam", nonce="a b=\\"c==", qop="auth"'], { nonce: 'a b="c==' }],
      [
        'a realm with quotes',
        ['Digest realm="the \\"front\\" door", nonce="n1"'],
        { realm: 'the "front" door', qop: '' },
      ],
      ['a blank realm', ['Digest realm="", nonce="n1", qop="auth"'], { realm: '' }],
      ['no realm', ['Digest nonce="n1", qop="auth"'], { realm: '' }],
      [
        'a realm in UTF-8, which is returned and counted byte by byte',
        [`Digest realm="${umlaut}", nonce="n1", qop="auth"`],
        { realm: umlaut },
      ],
      ['a folded header', ['Digest realm="cam",\r\n nonce="n1",\r\n\tqop="auth"'], {}],
      [
        'SHA-256-sess and auth-int',
        ['Digest realm="cam", nonce="n1", qop="auth-int", algorithm=SHA-256-sess'],
        { algorithm: 'SHA-256-sess', qop: 'auth-int' },
      ],
      [
        'two digests and Basic in one header',
        [
          'Basic realm="cam", Digest realm="cam", nonce="n9", algorithm=SHA-1, Digest realm="cam", nonce="n1", qop="auth", algorithm=MD5',
        ],
        {},
      ],
      [
        'two challenges in one header',
        ['Basic realm="other", Digest realm="cam", nonce="n1", qop="auth"'],
        {},
      ],
      ['Basic first', ['Basic realm="cam"', 'Digest realm="cam", nonce="n1", qop="auth"'], {}],
      ['Basic last', ['Digest realm="cam", nonce="n1", qop="auth"', 'Basic realm="other"'], {}],
      [
        'RFC 2069 and Basic',
        ['Digest realm="cam", nonce="n1"', 'Basic realm="cam", charset="UTF-8"'],
        { qop: '' },
      ],
    ] as const) {
      it(`answers a digest challenge with ${name}, and sends no Basic login`, async () => {
        camera().answer = ({ authorization, url }) =>
          answers(authorization, url, expected) ? rawPicture(porch) : rawUnauthorized(...challenges);
        assert.ok(porch.equals((await fetched({ credentials }, '/snap?channel=1&x="y"')).bytes));
        assert.deepEqual(
          camera().requests.map(({ authorization }) => authorization.split(' ')[0]),
          ['', 'Digest'],
        );
      });
    }

    it('answers again when the nonce was stale, and not without end', async () => {
      let nonce = 1;
      camera().answer = ({ authorization, url }) => {
        if (nonce === 3 && answers(authorization, url, { nonce: 'n3' })) return rawPicture(porch);
        if (authorization !== '') nonce++;
        return rawUnauthorized(`Digest realm="cam", nonce="n${nonce}", qop="auth", stale=true`);
      };
      await fetched({ credentials });
      nonce = 4;
      camera().requests.length = 0;
      await assert.rejects(fetched({ credentials }), { code: 'image-login' });
      assert.equal(camera().requests.length, 4);
    });

    it('sends a Basic login only to a camera that offers it', async () => {
      const login = `Basic ${Buffer.from('admin:geheim!1').toString('base64')}`;
      camera().answer = ({ authorization }) =>
        authorization === login ? rawPicture(porch) : rawUnauthorized('Basic realm="cam"');
      await fetched({ credentials });
      for (const challenges of [
        [],
        ['Bearer'],
        ['Digest realm="cam", nonce="n1", algorithm=SHA-999', 'Basic realm="cam"'],
        ['Digest realm="cam"', 'Basic realm="cam"'],
      ]) {
        camera().requests.length = 0;
        camera().answer = () => rawUnauthorized(...challenges);
        await assert.rejects(fetched({ credentials }), { code: 'image-login', message: /and offers/ });
        assert.deepEqual(
          camera().requests.map(({ authorization }) => authorization),
          [''],
        );
      }
    });

    it('logs in where a redirect leads, and on no other host', async () => {
      camera().answer = ({ authorization, url }) => {
        if (url === '/old') return 'HTTP/1.1 302 Found\r\nLocation: /new?a=1\r\n\r\n';
        return answers(authorization, '/new?a=1', {})
          ? rawPicture(porch)
          : rawUnauthorized('Digest realm="cam", nonce="n1", qop="auth"');
      };
      await fetched({ credentials }, '/old');
      camera().requests.length = 0;
      camera().answer = ({ url }) =>
        url === '/old'
          ? `HTTP/1.1 302 Found\r\nLocation: http://localhost:${camera().port}/new\r\n\r\n`
          : rawUnauthorized('Basic realm="cam"');
      await assert.rejects(fetched({ credentials }, '/old'), { code: 'image-login' });
      assert.ok(camera().requests.every(({ authorization }) => authorization === ''));
      await assert.rejects(fetched({ credentials }, '/old'), {
        hint: /redirects here, and the login is sent only/,
      });
    });

    it('distinguishes a wrong password from a missing one', async () => {
      camera().answer = () => rawUnauthorized('Digest realm="cam", nonce="n1", qop="auth"');
      await assert.rejects(fetched({ credentials }), {
        code: 'image-login',
        hint: /refuses this user or password/,
      });
      await assert.rejects(fetched(), { code: 'image-login', hint: /asks for a user and password/ });
    });
  });

  describe('over https', () => {
    let secure: RawCamera;
    let certificate: { readonly key: string; readonly cert: string };
    before(function () {
      this.timeout(20_000);
      // Its key is as short as those of old cameras.
      const made = ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-subj', '/CN=camera', '-days', '2'];
      const text = execFileSync('openssl', [...made, '-keyout', '-', '-out', '-'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      certificate = { key: String(text), cert: String(text) };
    });
    beforeEach(async () => {
      secure = new RawCamera({ ...certificate, ciphers: 'DEFAULT@SECLEVEL=0' });
      secure.answer = () => rawPicture(porch);
      await secure.listen();
    });
    afterEach(() => secure.close());
    const limits = { ...defaultPictureLimits, fetchTimeoutMs: 5000 };

    it('refuses a self-signed certificate before it asks for anything, and names its fingerprint (openssl)', async () => {
      const error = await fetchPictureWith(secure.url(), limits).catch((thrown: unknown) => thrown);
      const { code, message } = error as { code: string; message: string };
      assert.equal(code, 'image-certificate');
      const [fingerprint = ''] = /(?:[\dA-F]{2}:){31}[\dA-F]{2}/.exec(message) ?? [];
      assert.equal(secure.requests.length, 0);
      const trust = { fingerprint: fingerprint.replaceAll(':', '') };
      assert.ok(porch.equals((await fetchPictureWith(secure.url(), limits, { trust })).bytes));
    });

    it('refuses another certificate than the pinned one, and takes any if told so (openssl)', async () => {
      const trust = { fingerprint: 'A'.repeat(64) };
      await assert.rejects(fetchPictureWith(secure.url(), limits, { trust }), {
        code: 'image-certificate',
        message: /not the expected one/,
      });
      assert.equal(secure.requests.length, 0);
      await fetchPictureWith(secure.url(), limits, { trust: { any: true } });
    });

    it('follows a redirect from http to https (openssl)', async () => {
      camera().answer = () => `HTTP/1.1 301 Moved\r\nLocation: ${secure.url().href}\r\n\r\n`;
      await fetched({ trust: { any: true } });
      await assert.rejects(fetched(), { code: 'image-certificate' });
    });
  });
});
