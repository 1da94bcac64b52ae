import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { CameraAccess } from '../../src/picture/camera/camera-access';
import { fetchPictureWith } from '../../src/picture/fetch-picture';
import { defaultPictureLimits } from '../../src/picture/picture-limits';
import { demoFrame } from '../fixtures';
import { type RawAnswer, RawCamera, raw, rawPicture, rawUnauthorized } from '../raw-camera';

const porch = readFileSync(demoFrame('frame_05_porch_day.jpg'));
const credentials = { user: 'admin', password: 'geheim!1' };

const ok = 'HTTP/1.1 200 OK\r\n';
const jpeg = 'Content-Type: image/jpeg\r\n';
const close = 'Connection: close\r\n\r\n';
const length = (bytes: number): string => `Content-Length: ${bytes}\r\n`;
const n = porch.length;

function encoded(name: string, body: Uint8Array): Buffer {
  return raw(`${ok}${jpeg}Content-Encoding: ${name}\r\n${length(body.length)}${close}`, body);
}

function chunked(bytes: Buffer, size: number, { end = '\r\n', last = '0\r\n\r\n' } = {}): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = bytes.subarray(at, at + size);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}${end}`), chunk, Buffer.from(end));
  }
  return Buffer.concat([...chunks, Buffer.from(last)]);
}

const part = raw(`\r\n--b\r\n${jpeg}${length(n)}\r\n`, porch);

/** Sent, and the connection kept open. */
const keepOpen =
  (bytes: Buffer): RawAnswer =>
  (socket) =>
    void socket.write(bytes);

/** Answers of real cameras that hold a picture. */
const pictures: Readonly<Record<string, RawAnswer>> = {
  'a well-formed answer': rawPicture(porch),
  'lines that end with LF': raw(
    `HTTP/1.1 200 OK\nContent-type: image/jpeg\nX-Channel: 2\nContent-Length: ${n}\n\n`,
    porch,
  ),
  'HTTP/1.0 without a length': raw(`HTTP/1.0 200 OK\r\n${jpeg}\r\n`, porch),
  'a status without a reason': raw(`HTTP/1.1 200\r\n${jpeg}${length(n)}\r\n`, porch),
  'a status of another protocol': raw(`ICY 200 OK\r\n${jpeg}\r\n`, porch),
  'no head at all': porch,
  'blank lines before the status': raw(`\r\n\r\n\n${ok}${jpeg}${length(n)}${close}`, porch),
  'an interim answer': raw(`HTTP/1.1 100 Continue\r\n\r\n${ok}${jpeg}${length(n)}${close}`, porch),
  'a length that is too long': raw(`${ok}${jpeg}${length(n + 100)}${close}`, porch),
  'a length that is too long, kept open': keepOpen(raw(`${ok}${jpeg}${length(n + 100)}\r\n`, porch)),
  'a length that is too short': raw(`${ok}${jpeg}${length(n - 50)}${close}`, porch),
  'a length of 0': raw(`${ok}${jpeg}${length(0)}${close}`, porch),
  'a length twice': raw(`${ok}${length(n)}${jpeg}${length(n)}${close}`, porch),
  'two lengths': raw(`${ok}${length(n)}${jpeg}${length(n + 4)}${close}`, porch),
  'a length that is not a number': raw(`${ok}${jpeg}Content-Length: unknown\r\n${close}`, porch),
  'no length, kept open': keepOpen(raw(`${ok}${jpeg}\r\n`, porch)),
  'a space before the colon': raw(
    `${ok}Content-Type : image/jpeg\r\nContent-Length : ${n}\r\n${close}`,
    porch,
  ),
  'a header line without a name': raw(`${ok}: camera\r\n${jpeg}${length(n)}${close}`, porch),
  'a header line without a colon': raw(`${ok}IP Camera\r\n${jpeg}${length(n)}${close}`, porch),
  'a folded header': raw(`${ok}X-Info: a\r\n b\r\n${jpeg}${length(n)}${close}`, porch),
  'a status of RTSP': raw(`RTSP/1.0 200 OK\r\n${jpeg}\r\n`, porch),
  'tabs after the colons': raw(`${ok}Content-Type:\timage/jpeg\r\nContent-Length:\t${n}\r\n\r\n`, porch),
  'no blank line before it': raw(`${ok}${jpeg}`, porch),
  'lines that end with CR': raw('HTTP/1.1 200 OK\rContent-Type: image/jpeg\r\r', porch),
  'blank lines before it': raw(`${ok}${jpeg}\r\n\r\n\r\n`, porch),
  'blank lines that its length does not count': keepOpen(raw(`${ok}${length(n)}\r\n\r\n\r\n`, porch)),
  'a byte order mark': raw(`${ok}${jpeg}\r\n\xef\xbb\xbf`, porch),
  'a head of the maker’s own': raw(`${ok}${jpeg}\r\nDHAV0123456789ab`, porch),
  'the type of a page': raw(`${ok}Content-Type: text/html; charset=utf-8\r\n\r\n`, porch),
  'chunks with extensions': raw(
    `${ok}Transfer-Encoding: chunked\r\n\r\n${n.toString(16).toUpperCase()} ; a="b"\r\n`,
    Buffer.concat([porch, Buffer.from('\r\n0\r\nX-Trailer: 1\r\n\r\n')]),
  ),
  'a chunk that is longer than its size': raw(
    `${ok}Transfer-Encoding: chunked\r\n\r\n${(n - 7).toString(16)}\r\n`,
    Buffer.concat([porch, Buffer.from('\r\n0\r\n\r\n')]),
  ),
  'chunks that are longer than their sizes': raw(
    `${ok}Transfer-Encoding: chunked\r\n\r\n1385\r\n`,
    Buffer.concat([
      porch.subarray(0, 5000),
      Buffer.from(`\r\n${(n - 5002).toString(16)}\r\n`),
      porch.subarray(5000),
      Buffer.from('\r\n0\r\n\r\n'),
    ]),
  ),
  'a chunk that is shorter than its size': raw(
    `${ok}Transfer-Encoding: chunked\r\n\r\n${(n + 700).toString(16)}\r\n`,
    porch,
  ),
  chunks: raw(`${ok}${jpeg}Transfer-Encoding: chunked\r\n\r\n`, chunked(porch, 5000)),
  'chunks and a length': raw(`${ok}${length(n)}Transfer-Encoding: chunked\r\n\r\n`, chunked(porch, 5000)),
  'chunks in lines that end with LF': raw(
    `${ok}Transfer-Encoding: chunked\r\n\r\n`,
    chunked(porch, 5000, { end: '\n' }),
  ),
  'chunks without a last one': raw(
    `${ok}Transfer-Encoding: chunked\r\n\r\n`,
    chunked(porch, 5000, { last: '' }),
  ),
  'an announcement of chunks that do not follow': raw(`${ok}Transfer-Encoding: chunked\r\n\r\n`, porch),
  gzip: encoded('gzip', gzipSync(porch)),
  'gzip without its header line': raw(`${ok}\r\n`, gzipSync(porch)),
  'gzip of gzip': encoded('gzip, gzip', gzipSync(gzipSync(porch))),
  'gzip with a wrong checksum': encoded(
    'gzip',
    Buffer.concat([gzipSync(porch).subarray(0, -8), Buffer.alloc(8)]),
  ),
  'gzip with a line end behind it': encoded('gzip', Buffer.concat([gzipSync(porch), Buffer.from('\r\n')])),
  deflate: encoded('deflate', deflateSync(porch)),
  'deflate without its header': encoded('deflate', deflateRawSync(porch)),
  brotli: encoded('br', brotliCompressSync(porch)),
  'a picture marked gzip': encoded('gzip', porch),
  'a picture marked deflate': encoded('deflate', porch),
  'an encoding that does not exist': encoded('utf-8', porch),
  'one part': raw(
    `${ok}Content-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n`,
    Buffer.concat([part, Buffer.from('\r\n--b--\r\n')]),
  ),
  'one part, kept open': keepOpen(
    raw(`${ok}Content-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n`, part),
  ),
  'one part without headers': raw(
    `${ok}Content-Type: multipart/x-mixed-replace\r\n\r\n--b\r\n\r\n`,
    Buffer.concat([porch, Buffer.from('\r\n--b--\r\n')]),
  ),
  'one part in lines that end with LF': raw(
    `${ok}Content-Type: multipart/mixed; boundary="--b"\n\n----b\nContent-Type: image/jpeg\nContent-Length: 12\n\n`,
    Buffer.concat([porch, Buffer.from('\n----b--\n')]),
  ),
  'a text and a part before it': raw(
    `${ok}Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\n{"a":1}\r\n--b\r\n${jpeg}\r\n`,
    Buffer.concat([porch, Buffer.from('\r\n--b--\r\n')]),
  ),
  'one part that is not announced': raw(`${ok}${jpeg}${length(part.length - 2)}${close}`, part.subarray(2)),
  'a connection that breaks after the picture': (socket) => {
    socket.write(raw(`${ok}${jpeg}${length(n + 1)}\r\n`, porch), () =>
      setTimeout(() => socket.resetAndDestroy(), 30),
    );
  },
};

/** Answers without a picture, with what the error says. */
const refusals: Readonly<Record<string, readonly [RawAnswer, string, RegExp]>> = {
  'a refused login in a 200': [
    raw(
      `${ok}Content-Type: text/html\r\n\r\n`,
      '[{"cmd":"Snap","code":1,"error":{"detail":"login failed","rspCode":-7}}]',
    ),
    'image-login',
    /refuses the login: login failed/,
  ],
  'a refused login in XML': [
    raw(`${ok}\r\n`, '<CGI_Result><result>-2</result></CGI_Result>'),
    'image-login',
    /refuses the login/,
  ],
  'a page that asks for a password': [
    raw(`${ok}\r\n`, '<html><title>Camera</title><form><input type="password"></form></html>'),
    'image-login',
    /a page that asks for a password/,
  ],
  'a refused login in words of its own': [
    raw(`${ok}\r\n`, 'Error\r\nInvalid Authority!\r\n'),
    'image-login',
    /Invalid Authority/,
  ],
  'a login page without a field for a password': [
    raw(`${ok}\r\n`, '<!DOCTYPE html><html><title>WEB SERVICE</title><body>login</body></html>'),
    'image-login',
    /a login page titled "WEB SERVICE"/,
  ],
  'a page that leads to the login': [
    raw(`${ok}\r\n`, '<html><script>window.location="/doc/page/login.asp"</script></html>'),
    'image-login',
    /a login page/,
  ],
  'a video by its type': [
    (socket) => void socket.write(raw(`${ok}Content-Type: video/mp4\r\n\r\n`, Buffer.alloc(10_000, 7))),
    'image-stream',
    /received a video \(video\/mp4\)/,
  ],
  'a stream that is not announced': [
    raw('HTTP/1.0 200 OK\r\n\r\n', Buffer.concat([porch, porch, porch, porch])),
    'image-stream',
    /received a stream of pictures/,
  ],
  'an answer in TLS': [
    Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x50]),
    'image-fetch',
    /answered in TLS, not in HTTP/,
  ],
  'an encoding that cannot be unpacked': [
    encoded('zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 7, 7, 7])),
    'image-fetch',
    /"Content-Encoding: zstd".* not supported/,
  ],
  'an error with a text': [
    raw('HTTP/1.1 503 Service Unavailable\r\n\r\n', '{"error":"camera offline"}'),
    'image-fetch',
    /503 .*camera offline/,
  ],
  'a wrong path': ['HTTP/1.1 404 Not Found\r\n\r\n', 'image-fetch', /answered 404 Not Found/],
  'endless redirects': [
    'HTTP/1.1 302 Found\r\nLocation: /snap\r\n\r\n',
    'image-fetch',
    /redirects more than 5 times/,
  ],
  'a redirect to a file': [
    'HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n',
    'image-fetch',
    /not http\(s\)/,
  ],
  'a closed connection': ['', 'image-fetch', /closed without an answer/],
  'a stream': [
    raw(`${ok}Content-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n`, Buffer.concat([part, part])),
    'image-stream',
    /received a stream of pictures/,
  ],
  'damaged gzip': [
    encoded('gzip', Buffer.concat([gzipSync(porch).subarray(0, 12), Buffer.alloc(500, 7)])),
    'image-fetch',
    /cannot be unpacked/,
  ],
};

describe('fetchPicture', () => {
  let camera: RawCamera;
  beforeEach(async () => {
    camera = new RawCamera();
    await camera.listen();
  });
  afterEach(() => camera.close());

  function fetched(access: CameraAccess = {}, path = '/snap', timeoutMs = 5000) {
    const limits = { ...defaultPictureLimits, fetchTimeoutMs: timeoutMs };
    return fetchPictureWith(camera.url(path), limits, access);
  }

  for (const [name, answer] of Object.entries(pictures)) {
    it(`reads a picture sent with ${name}`, async () => {
      camera.answer = () => answer;
      assert.ok(porch.equals((await fetched()).bytes));
      while (camera.connections > 0) await delay(1);
    });
  }

  for (const [name, [answer, code, message]] of Object.entries(refusals)) {
    it(`names ${name}`, async () => {
      camera.answer = () => answer;
      await assert.rejects(fetched({ credentials }), { code, message });
    });
  }

  it('reads what can be unpacked of a body that was cut', async () => {
    const packed = gzipSync(Buffer.concat([porch, porch]));
    camera.answer = () => encoded('gzip', packed.subarray(0, packed.length - 3000));
    const { bytes } = await fetched();
    assert.ok(bytes.length > porch.length && porch.equals(bytes.subarray(0, porch.length)));
  });

  it('refuses a body that unpacks to more than the limit', async () => {
    camera.answer = () => encoded('gzip', gzipSync(Buffer.alloc(1_000_000)));
    const limits = { ...defaultPictureLimits, maxBytes: 100_000 };
    await assert.rejects(fetchPictureWith(camera.url(), limits), { code: 'image-too-large' });
  });

  it('gives up on a body that stops, to its last byte', async () => {
    camera.answer = () => keepOpen(raw(`${ok}${jpeg}${length(n)}\r\n`, porch.subarray(0, 1000)));
    await assert.rejects(fetched({}, '/snap', 60), {
      code: 'image-fetch',
      message: /not complete within 60 ms/,
    });
    while (camera.connections > 0) await delay(1);
  });

  it('gives up on a body that trickles', async () => {
    camera.answer = () => (socket) => {
      socket.write(`${ok}${jpeg}${length(n)}\r\n`);
      const timer = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(timer));
    };
    await assert.rejects(fetched({}, '/snap', 60), { message: /not complete within 60 ms/ });
  });

  describe('logging in', () => {
    const hash = (algorithm: string, text: string): string =>
      createHash(/^md5/i.test(algorithm) ? 'md5' : /512/.test(algorithm) ? 'sha512-256' : 'sha256')
        .update(text)
        .digest('hex');

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
        camera.answer = ({ authorization, url }) =>
          answers(authorization, url, expected) ? rawPicture(porch) : rawUnauthorized(...challenges);
        assert.ok(porch.equals((await fetched({ credentials }, '/snap?channel=1&x="y"')).bytes));
        assert.deepEqual(
          camera.requests.map(({ authorization }) => authorization.split(' ')[0]),
          ['', 'Digest'],
        );
      });
    }

    it('answers again when the nonce was stale, and not without end', async () => {
      let nonce = 1;
      camera.answer = ({ authorization, url }) => {
        if (nonce === 3 && answers(authorization, url, { nonce: 'n3' })) return rawPicture(porch);
        if (authorization !== '') nonce++;
        return rawUnauthorized(`Digest realm="cam", nonce="n${nonce}", qop="auth", stale=true`);
      };
      await fetched({ credentials });
      nonce = 4;
      camera.requests.length = 0;
      await assert.rejects(fetched({ credentials }), { code: 'image-login' });
      assert.equal(camera.requests.length, 4);
    });

    it('sends a Basic login only to a camera that offers it', async () => {
      const login = `Basic ${Buffer.from('admin:geheim!1').toString('base64')}`;
      camera.answer = ({ authorization }) =>
        authorization === login ? rawPicture(porch) : rawUnauthorized('Basic realm="cam"');
      await fetched({ credentials });
      for (const challenges of [
        [],
        ['Bearer'],
        ['Digest realm="cam", nonce="n1", algorithm=SHA-999', 'Basic realm="cam"'],
        ['Digest realm="cam"', 'Basic realm="cam"'],
      ]) {
        camera.requests.length = 0;
        camera.answer = () => rawUnauthorized(...challenges);
        await assert.rejects(fetched({ credentials }), { code: 'image-login', message: /and offers/ });
        assert.deepEqual(
          camera.requests.map(({ authorization }) => authorization),
          [''],
        );
      }
    });

    it('logs in where a redirect leads, and on no other host', async () => {
      camera.answer = ({ authorization, url }) => {
        if (url === '/old') return 'HTTP/1.1 302 Found\r\nLocation: /new?a=1\r\n\r\n';
        return answers(authorization, '/new?a=1', {})
          ? rawPicture(porch)
          : rawUnauthorized('Digest realm="cam", nonce="n1", qop="auth"');
      };
      await fetched({ credentials }, '/old');
      camera.requests.length = 0;
      camera.answer = ({ url }) =>
        url === '/old'
          ? `HTTP/1.1 302 Found\r\nLocation: http://localhost:${camera.port}/new\r\n\r\n`
          : rawUnauthorized('Basic realm="cam"');
      await assert.rejects(fetched({ credentials }, '/old'), { code: 'image-login' });
      assert.ok(camera.requests.every(({ authorization }) => authorization === ''));
      await assert.rejects(fetched({ credentials }, '/old'), {
        hint: /redirects here, and the login is sent only/,
      });
    });

    it('distinguishes a wrong password from a missing one', async () => {
      camera.answer = () => rawUnauthorized('Digest realm="cam", nonce="n1", qop="auth"');
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
      camera.answer = () => `HTTP/1.1 301 Moved\r\nLocation: ${secure.url().href}\r\n\r\n`;
      await fetched({ trust: { any: true } });
      await assert.rejects(fetched(), { code: 'image-certificate' });
    });
  });
});
