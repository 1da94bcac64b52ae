import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { SmolvlmError } from '../../src/errors';
import { FolderSource } from '../../src/frame/folder-source';
import type { FrameSource, SourceFrame, SourceHooks } from '../../src/frame/frame-source';
import { MjpegSource } from '../../src/frame/mjpeg-source';
import { RtspSource } from '../../src/frame/rtsp-source';
import { SnapshotSource } from '../../src/frame/snapshot-source';
import { demoFrame } from '../fixtures';
import { useTempFolder } from '../temp-folder';

const picture = readFileSync(demoFrame('frame_09_street_day.jpg'));

/** What a source tells, to be waited for. */
class Told implements SourceHooks {
  readonly frames: SourceFrame[] = [];
  readonly troubles: SmolvlmError[] = [];
  connections = 0;
  onFrame = (frame: SourceFrame): void => void this.frames.push(frame);
  onConnected = (): void => void this.connections++;
  onTrouble = (error: SmolvlmError): void => void this.troubles.push(error);

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await delay(5);
  }
}

describe('sources of frames', () => {
  const temp = useTempFolder();
  let server: Server;
  let url: URL;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let requests: IncomingMessage[];
  let told: Told;
  const sources: FrameSource[] = [];

  beforeEach(async () => {
    requests = [];
    told = new Told();
    server = createServer((request, response) => {
      requests.push(request);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/snap?channel=1`);
  });
  afterEach(async () => {
    for (const source of sources.splice(0)) source.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function opened<T extends FrameSource>(source: T): T {
    sources.push(source);
    return source;
  }
  const snapshot = (more: object = {}): SnapshotSource =>
    opened(new SnapshotSource({ url, timeoutMs: 2000, retries: 0, retryPauseMs: 1, ...more }, told));

  describe('a snapshot address', () => {
    it('is fetched when asked, with the picture’s age', async () => {
      answer = (_request, response) => {
        response.setHeader('last-modified', 'Tue, 24 Nov 2026 00:00:00 GMT');
        response.end(picture);
      };
      const source = snapshot();
      await delay(20);
      assert.equal(requests.length, 0);
      source.take();
      await told.until(() => told.frames.length === 1);
      assert.deepEqual(Buffer.from(told.frames[0]!.bytes), picture);
      assert.equal(told.frames[0]!.capturedAt, Date.parse('2026-11-24T00:00:00Z'));
    });

    it('is fetched in a rhythm, never twice at once', async () => {
      let open = 0;
      let most = 0;
      answer = (_request, response) => {
        most = Math.max(most, ++open);
        setTimeout(() => {
          open--;
          response.end(picture);
        }, 30);
      };
      const source = snapshot({ intervalMs: 10 });
      source.take();
      await told.until(() => told.frames.length === 3);
      assert.equal(most, 1);
    });

    it('is tried again when it fails, and its error is told without the password', async () => {
      answer = (_request, response) => {
        response.statusCode = requests.length < 3 ? 503 : 200;
        response.end(requests.length < 3 ? '' : picture);
      };
      snapshot({ retries: 2 }).take();
      await told.until(() => told.frames.length === 1);
      assert.equal(requests.length, 3);
      url.username = 'me';
      url.password = 'secret';
      answer = (_request, response) => {
        response.statusCode = 404;
        response.end();
      };
      snapshot().take();
      await told.until(() => told.troubles.length === 1);
      assert.match(told.troubles[0]!.message, /answered 404/);
      assert.doesNotMatch(told.troubles[0]!.message, /secret/);
    });

    it('gives up on a camera that does not answer in time', async () => {
      answer = () => undefined;
      snapshot({ timeoutMs: 50 }).take();
      await told.until(() => told.troubles.length === 1);
      assert.match(told.troubles[0]!.message, /no answer within 50 ms/);
    });

    for (const algorithm of ['MD5', 'SHA-256', 'MD5-sess'] as const) {
      it(`logs in by digest (${algorithm}), reckoned as RFC 7616 says`, async () => {
        const name = algorithm === 'SHA-256' ? 'sha256' : 'md5';
        const hash = (text: string): string => createHash(name).update(text).digest('hex');
        answer = (request, response) => {
          const { authorization = '' } = request.headers;
          const field = (key: string): string =>
            new RegExp(`[ ,]${key}="?([^",]*)"?`).exec(authorization)?.[1] ?? '';
          const plain = hash('me:camera "1":pass:word');
          const a1 = algorithm === 'MD5-sess' ? hash(`${plain}:abc:${field('cnonce')}`) : plain;
          const expected = hash(`${a1}:abc:00000001:${field('cnonce')}:auth:${hash('GET:/snap?channel=1')}`);
          if (authorization.startsWith('Digest ') && field('response') === expected) {
            response.end(picture);
            return;
          }
          response.statusCode = 401;
          response.setHeader(
            'www-authenticate',
            `Digest realm="camera \\"1\\"", nonce="abc", qop="auth,auth-int", algorithm=${algorithm}, opaque="o"`,
          );
          response.end();
        };
        snapshot({ credentials: { user: 'me', password: 'pass:word' } }).take();
        await told.until(() => told.frames.length + told.troubles.length === 1);
        assert.deepEqual(told.troubles, []);
      });
    }

    it('tells the password to nobody who does not ask for it, and a wrong one once', async () => {
      answer = (_request, response) => response.end(picture);
      snapshot({ credentials: { user: 'me', password: 'secret' } }).take();
      await told.until(() => told.frames.length === 1);
      assert.equal(requests[0]?.headers.authorization, undefined);
      requests.length = 0;
      answer = (_request, response) => {
        response
          .writeHead(401, { 'www-authenticate': 'Digest realm="camera", nonce="abc", qop="auth"' })
          .end();
      };
      snapshot({ credentials: { user: 'me', password: 'wrong' }, retries: 5 }).take();
      await told.until(() => told.troubles.length === 1);
      assert.equal(told.troubles[0]!.code, 'image-login');
      const sent = requests.map(({ headers }) => headers.authorization?.split(' ')[0]);
      assert.deepEqual(sent, [undefined, 'Digest']);
    });

    it('rests after a refused login, so that the camera does not lock everybody out', async () => {
      answer = (_request, response) => response.writeHead(401).end();
      const source = snapshot({ intervalMs: 5, credentials: { user: 'me', password: 'wrong' } });
      await told.until(() => told.troubles.length === 1);
      await delay(100);
      assert.equal(requests.length, 2);
      source.take();
      await told.until(() => told.troubles.length === 2);
    });

    it('logs in by basic authentication, and says when it is refused', async () => {
      answer = (request, response) => {
        const good = request.headers.authorization === `Basic ${Buffer.from('me:right').toString('base64')}`;
        response.statusCode = good ? 200 : 401;
        response.end(good ? picture : '');
      };
      snapshot({ credentials: { user: 'me', password: 'right' } }).take();
      await told.until(() => told.frames.length === 1);
      snapshot({ credentials: { user: 'me', password: 'wrong' } }).take();
      await told.until(() => told.troubles.length === 1);
      assert.match(told.troubles[0]!.hint ?? '', /password/);
    });
  });

  describe('an MJPEG stream', () => {
    const stream = (more: object = {}): MjpegSource =>
      opened(new MjpegSource({ url, intervalMs: 0, silentMs: 2000, pauseMs: 5, ...more }, told));
    const part = (bytes: Buffer): Buffer =>
      Buffer.concat([Buffer.from(`--b\r\nContent-Type: image/jpeg\r\n\r\n`), bytes, Buffer.from('\r\n')]);

    it('gives its pictures, and is opened again when it breaks', async () => {
      answer = (_request, response) => {
        response.setHeader('content-type', 'multipart/x-mixed-replace; boundary=b');
        response.write(part(picture));
        response.write(part(picture), () => response.destroy());
      };
      stream();
      await told.until(() => told.frames.length >= 4);
      assert.ok(told.connections >= 2 && told.troubles.length >= 1);
      assert.equal(told.troubles[0]?.code, 'frame-stream');
      assert.deepEqual(Buffer.from(told.frames[0]!.bytes), picture);
    });

    it('keeps to its rhythm, and gives the newest when asked', async () => {
      answer = (_request, response) => {
        const timer = setInterval(() => response.write(part(picture)), 5);
        response.on('close', () => clearInterval(timer));
      };
      const source = stream({ intervalMs: 60_000 });
      await told.until(() => told.frames.length === 1);
      await delay(50);
      assert.equal(told.frames.length, 1);
      source.take();
      assert.equal(told.frames.length, 2);
    });

    it('is taken for broken when it falls silent, or is none', async () => {
      answer = (_request, response) => {
        response.write(part(picture));
      };
      stream({ silentMs: 50 });
      await told.until(() => told.troubles.length === 1);
      assert.match(told.troubles[0]!.message, /nothing came for 50 ms/);
      answer = (_request, response) => response.end('<html>');
      await told.until(() => told.troubles.length > 1);
      assert.match(told.troubles.at(-1)!.message, /without a picture/);
    });
  });

  describe('an RTSP stream', () => {
    /** A program in ffmpeg's place. */
    function program(script: string): string {
      writeFileSync(temp('ffmpeg'), `#!/bin/sh\n${script}\n`);
      chmodSync(temp('ffmpeg'), 0o755);
      return temp('ffmpeg');
    }
    const rtsp = (ffmpeg: string, more: object = {}): RtspSource => {
      const options = {
        url: new URL('rtsp://camera:554/live'),
        intervalMs: 2000,
        silentMs: 5000,
        pauseMs: 5,
      };
      return opened(new RtspSource({ ...options, ffmpeg, ...more }, told));
    };

    it('is decoded by ffmpeg at the asked rate, with the login, and opened again', async () => {
      writeFileSync(temp('a.jpg'), picture);
      const ffmpeg = program(
        `echo "$@" >> ${temp('arguments')}; cat ${temp('a.jpg')}; echo "rtsp://me:se%40cret@camera: gone" >&2; exit 1`,
      );
      rtsp(ffmpeg, { credentials: { user: 'me', password: 'se@cret' } });
      await told.until(() => told.frames.length === 2);
      const [first] = readFileSync(temp('arguments'), 'utf8').split('\n');
      assert.match(
        first ?? '',
        /-rtsp_transport tcp -i rtsp:\/\/me:se%40cret@camera:554\/live .*fps=1000\/2000/,
      );
      assert.match(told.troubles[0]!.message, /broke: rtsp:\/\/…@camera: gone/);
      assert.deepEqual(Buffer.from(told.frames[0]!.bytes), picture);
    });

    it('says that ffmpeg is missing', async () => {
      rtsp('/nowhere/ffmpeg');
      await told.until(() => told.troubles.length === 1);
      assert.deepEqual(
        [told.troubles[0]!.code, /apt install/.test(told.troubles[0]!.hint ?? '')],
        ['frame-ffmpeg', true],
      );
    });

    it('is ended when it falls silent, and with the source', async () => {
      rtsp(program('exec sleep 60'), { silentMs: 50 });
      await told.until(() => told.troubles.length === 1);
      assert.match(told.troubles[0]!.message, /nothing came for 50 ms/);
    });
  });

  describe('a folder', () => {
    const folder = (): FolderSource => opened(new FolderSource({ folder: temp('in'), intervalMs: 10 }, told));

    it('gives new pictures once they have stopped growing, and no other files', async () => {
      mkdirSync(temp('in'));
      writeFileSync(temp('in/old.jpg'), picture);
      const source = folder();
      await told.until(() => told.connections === 1);
      writeFileSync(temp('in/note.txt'), 'x');
      writeFileSync(temp('in/half.jpg'), picture.subarray(0, 1000));
      for (let grown = 2; grown <= 5; grown++) {
        writeFileSync(temp('in/half.jpg'), picture.subarray(0, grown * 1000));
        await delay(5);
      }
      writeFileSync(temp('in/half.jpg'), picture);
      await told.until(() => told.frames.some(({ bytes }) => bytes.length === picture.length));
      writeFileSync(temp('other.jpg'), picture);
      renameSync(temp('other.jpg'), temp('in/moved.JPG'));
      await told.until(() => told.frames.some(({ name }) => name === 'moved.JPG'));
      assert.ok(told.frames.every(({ name }) => name !== 'old.jpg' && name !== 'note.txt'));
      source.take();
      await told.until(() => told.frames.at(-1)?.name === 'moved.JPG');
    });

    it('gives no picture that is not whole yet when asked', async () => {
      mkdirSync(temp('in'));
      const source = folder();
      await told.until(() => told.connections === 1);
      writeFileSync(temp('in/empty.jpg'), '');
      utimesSync(temp('in/empty.jpg'), 2e9, 2e9);
      writeFileSync(temp('in/whole.jpg'), picture);
      await told.until(() => told.frames.length === 1);
      source.take();
      await told.until(() => told.frames.length === 2);
      assert.deepEqual(
        told.frames.map(({ name }) => name),
        ['whole.jpg', 'whole.jpg'],
      );
    });

    it('says once that it is not there, and goes on when it is', async () => {
      folder();
      await told.until(() => told.troubles.length === 1);
      await delay(40);
      assert.equal(told.troubles.length, 1);
      assert.equal(told.troubles[0]?.code, 'frame-folder');
      mkdirSync(temp('in'));
      await told.until(() => told.connections === 1);
    });
  });
});
