import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { CameraAccess } from '../../src/picture/camera/camera-access';
import { fetchPictureWith } from '../../src/picture/fetch-picture';
import { defaultPictureLimits } from '../../src/picture/picture-limits';
import { demoFrame } from '../fixtures';
import { fetchedFrom, type RawAnswer, raw, rawPicture, useRawCamera } from '../raw-camera';

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
  'the largest length of 32 bits, kept open': keepOpen(raw(`${ok}${jpeg}${length(2 ** 32 - 1)}\r\n`, porch)),
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
  'gzip followed by a line end': encoded('gzip', Buffer.concat([gzipSync(porch), Buffer.from('\r\n')])),
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
    /answered with TLS, not HTTP/,
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
  const camera = useRawCamera();
  const fetched = (...options: [CameraAccess?, string?, number?]) => fetchedFrom(camera(), ...options);

  for (const [name, answer] of Object.entries(pictures)) {
    it(`reads a picture sent with ${name}`, async () => {
      camera().answer = () => answer;
      assert.ok(porch.equals((await fetched()).bytes));
      while (camera().connections > 0) await delay(1);
    });
  }

  for (const [name, [answer, code, message]] of Object.entries(refusals)) {
    it(`names ${name}`, async () => {
      camera().answer = () => answer;
      await assert.rejects(fetched({ credentials }), { code, message });
    });
  }

  it('does not wait for a body after 204, where the connection stays open', async () => {
    camera().answer = () => keepOpen(raw('HTTP/1.1 204 No Content\r\n\r\n', ''));
    assert.equal((await fetched()).bytes.length, 0);
  });

  it('reads what can be unpacked of a body that was cut', async () => {
    const packed = gzipSync(Buffer.concat([porch, porch]));
    camera().answer = () => encoded('gzip', packed.subarray(0, packed.length - 3000));
    const { bytes } = await fetched();
    assert.ok(bytes.length > porch.length && porch.equals(bytes.subarray(0, porch.length)));
  });

  it('refuses a body that unpacks to more than the limit', async () => {
    camera().answer = () => encoded('gzip', gzipSync(Buffer.alloc(1_000_000)));
    const limits = { ...defaultPictureLimits, maxBytes: 100_000 };
    await assert.rejects(fetchPictureWith(camera().url(), limits), { code: 'image-too-large' });
  });

  it('gives up on a body that stops, to its last byte', async () => {
    camera().answer = () => keepOpen(raw(`${ok}${jpeg}${length(n)}\r\n`, porch.subarray(0, 1000)));
    await assertIncomplete();
    while (camera().connections > 0) await delay(1);
  });

  it('gives up on a body that trickles', async () => {
    camera().answer = () => (socket) => {
      socket.write(`${ok}${jpeg}${length(n)}\r\n`);
      const timer = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(timer));
    };
    await assertIncomplete();
  });

  /** On a busy machine, a short time can end before the head of the answer is read. */
  async function assertIncomplete(): Promise<void> {
    for (const timeoutMs of [60, 600, 6_000]) {
      const error = await fetched({}, '/snap', timeoutMs).catch((cause) => cause);
      if (/no answer within/.test(error.message)) continue;
      assert.match(error.message, new RegExp(`not complete within ${timeoutMs} ms`));
      assert.equal(error.code, 'image-fetch');
      return;
    }
    assert.fail('the head of the answer was not read within 6 s');
  }
});
