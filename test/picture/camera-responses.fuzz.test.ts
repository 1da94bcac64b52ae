import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { errorBody, SmolvlmError } from '../../src/errors';
import { answerChallenges } from '../../src/picture/camera/camera-login';
import { parseChallenges } from '../../src/picture/camera/www-authenticate';
import { fetchPictureWith } from '../../src/picture/fetch-picture';
import { JpegSplitter } from '../../src/picture/jpeg-splitter';
import { defaultPictureLimits } from '../../src/picture/picture-limits';
import { demoFrame, fixture } from '../fixtures';
import { fuzz, fuzzTimeoutMs, mutatedBytes, mutatedText } from '../fuzz';
import { RawCamera, raw } from '../raw-camera';

const picture = readFileSync(demoFrame('frame_05_porch_day.jpg')).subarray(0, 700);
const password = 'Zq-geheim-9';
const credentials = { user: 'admin', password };

const head = 'HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n';
const responses: readonly Buffer[] = [
  raw(`${head}Content-Length: ${picture.length}\r\nConnection: close\r\n\r\n`, picture),
  raw(
    `${head}Transfer-Encoding: chunked\r\n\r\n${picture.length.toString(16)}\r\n`,
    Buffer.concat([picture, Buffer.from('\r\n0\r\n\r\n')]),
  ),
  raw(`${head}Content-Encoding: gzip\r\n\r\n`, picture),
  raw('HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n'),
  raw(
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="cam", nonce="n", qop="auth"\r\nContent-Length: 0\r\n\r\n',
  ),
  raw(
    `HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n`,
    picture,
  ),
];

const challenges: readonly string[] = [
  'Digest realm="IP Camera(C1234)", nonce="4e6a", qop="auth,auth-int", opaque="x", algorithm=SHA-256',
  'Digest realm="cam", nonce="n", stale=true, Basic realm="cam"',
  'Basic realm=IP Camera, Digest realm="a\\"b", nonce="n", algorithm=MD5-sess, userhash=true',
];

describe('what cameras send, fuzzed', function () {
  this.timeout(fuzzTimeoutMs);
  let camera: RawCamera;

  before(async () => {
    camera = new RawCamera();
    await camera.listen();
  });
  after(() => camera.close());

  it('as a response, damaged anywhere, is a picture or an error that names the camera and holds no password', async () => {
    const limits = { ...defaultPictureLimits, fetchTimeoutMs: 5000 };
    const damaged = fc.constantFrom(...responses).chain((response) => mutatedBytes(response));
    await fuzz(
      fc.asyncProperty(damaged, async (response) => {
        camera.requests.length = 0;
        // A redirect leads to the same answer again: it must end as well.
        camera.answer = () => response;
        try {
          const { bytes } = await fetchPictureWith(camera.url(`/snap?pwd=${password}`), limits, {
            credentials,
          });
          // An empty body is named where the picture is recognised: image-empty.
          assert.ok(bytes instanceof Uint8Array);
        } catch (error) {
          assert.ok(error instanceof SmolvlmError, String(error));
          const { message, hint = '' } = errorBody(error);
          assert.ok(message.length > 10 && !`${message} ${hint}`.includes(password), message);
        }
        assert.ok(camera.requests.length <= 12, `${camera.requests.length} requests`);
        const offered = response.toString('latin1').toLowerCase();
        for (const { authorization } of camera.requests) {
          assert.ok(!authorization.startsWith('Basic ') || offered.includes('basic'), authorization);
        }
      }),
    );
  });

  it('as challenges are answered by a digest of the password, or not at all', async () => {
    const damaged = fc.constantFrom(...challenges).chain((challenge) => mutatedText(challenge));
    await fuzz(
      fc.property(fc.array(damaged, { minLength: 1, maxLength: 3 }), (headers) => {
        const parsed = parseChallenges(headers);
        const login = answerChallenges(parsed, { method: 'GET', uri: '/snap' }, credentials);
        if (!login || login.header.startsWith('Basic ')) {
          assert.ok(!login || !parsed.some(({ scheme }) => scheme === 'digest'), headers.join());
          return;
        }
        assert.ok(login.header.startsWith('Digest ') && !login.header.includes(password), login.header);
        assert.match(login.header, /response="[\da-f]{32,64}"/);
      }),
    );
  });

  it('as a stream gives whole pictures however it is cut into pieces', async () => {
    const whole = readFileSync(fixture('pictures', 'restart-markers.jpg'));
    const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    const between = fc.constantFrom(
      '',
      '\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n',
      '\n--frame\n\n',
      'garbage',
    );
    const cuts = fc.array(fc.nat({ max: 3 * whole.length }), { maxLength: 8 });
    await fuzz(
      fc.property(fc.array(between, { minLength: 1, maxLength: 3 }), cuts, (separators, at) => {
        const stream = Buffer.concat([
          ...separators.flatMap((text) => [Buffer.from(text), whole]),
          Buffer.from('\r\n'),
        ]);
        const pictures: string[] = [];
        const splitter = new JpegSplitter((bytes) => void pictures.push(sha256(bytes)));
        let begin = 0;
        for (const end of [
          ...at.map((place) => place % stream.length).sort((a, b) => a - b),
          stream.length,
        ]) {
          splitter.push(stream.subarray(begin, end));
          begin = end;
        }
        assert.deepEqual(
          pictures,
          separators.map(() => sha256(whole)),
        );
      }),
    );
  });

  it('as a damaged stream gives pictures that begin and end as such, or none', async () => {
    const stream = Buffer.concat([
      Buffer.from('--b\r\n\r\n'),
      picture,
      Buffer.from([0xff, 0xd9]),
      Buffer.from('\r\n--b\r\n\r\n'),
      picture,
    ]);
    await fuzz(
      fc.property(mutatedBytes(stream), fc.integer({ min: 1, max: 300 }), (damaged, piece) => {
        const splitter = new JpegSplitter((bytes) => {
          assert.deepEqual([...bytes.subarray(0, 3)], [0xff, 0xd8, 0xff]);
          assert.deepEqual([...bytes.subarray(-2)], [0xff, 0xd9]);
        });
        for (let at = 0; at < damaged.length; at += piece) splitter.push(damaged.subarray(at, at + piece));
      }),
    );
  });
});
