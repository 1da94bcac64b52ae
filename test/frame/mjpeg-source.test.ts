import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { MjpegSource } from '../../src/frame/mjpeg-source';
import { demoFrame } from '../fixtures';
import { type RawAnswer, RawCamera, raw, rawPicture, rawUnauthorized } from '../raw-camera';
import { ManualClock } from '../system/manual-clock';
import { RecordedHooks } from './recorded-hooks';

const picture = readFileSync(demoFrame('frame_09_street_day.jpg'));
const other = readFileSync(demoFrame('frame_05_porch_day.jpg'));
const head = 'HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n';

function part(bytes: Buffer, length: number | undefined = bytes.length, boundary = '--b'): Buffer {
  const counted = length === undefined ? '' : `Content-Length: ${length}\r\n`;
  return raw(
    `${boundary}\r\nContent-Type: image/jpeg\r\n${counted}\r\n`,
    Buffer.concat([bytes, Buffer.from('\r\n')]),
  );
}

/** A head, and a part again and again. */
function endless(first: string, next: (count: number) => Buffer, everyMs = 5): RawAnswer {
  return (socket: Socket) => {
    socket.write(Buffer.from(first, 'latin1'));
    let count = 0;
    const timer = setInterval(() => socket.write(next(count++)), everyMs);
    socket.on('close', () => clearInterval(timer));
  };
}

/** A comment as Dahua writes it: two bytes longer than it says, followed by more filling. */
function withWrongComment(bytes: Buffer, length: number): Buffer {
  const comment = Buffer.alloc(2 + 4096 + 608);
  comment.writeUInt16BE(0xfffe, 0);
  comment.writeUInt16BE(length, 2);
  return Buffer.concat([bytes.subarray(0, 2), comment, bytes.subarray(2)]);
}

describe('MjpegSource', () => {
  let camera: RawCamera;
  let told: RecordedHooks;
  let source: MjpegSource;
  beforeEach(async () => {
    told = new RecordedHooks();
    camera = new RawCamera();
    await camera.listen();
  });
  afterEach(async () => {
    source?.close();
    await camera.close();
  });

  function stream(more: object = {}): MjpegSource {
    source = new MjpegSource(
      { url: camera.url(), intervalMs: 0, timeoutMs: 20_000, pauseMs: 5, ...more },
      told,
    );
    return source;
  }

  const two = (count: number): Buffer => (count % 2 ? picture : other);
  for (const [name, answer] of [
    ['lengths', endless(head, (count) => part(two(count)))],
    [
      'a quoted boundary and no lengths',
      endless(head.replace('=b', '="--b"'), (count) => part(two(count), undefined, '----b')),
    ],
    ['wrong lengths', endless(head, (count) => part(two(count), 3_927_190))],
    [
      'no boundary before the first picture',
      endless(head, (count) =>
        Buffer.concat([two(count), Buffer.from('\r\n--bContent-Type: image/jpeg\r\n\r\n')]),
      ),
    ],
    ['no head and no parts', endless('HTTP/1.0 200 OK\r\n\r\n', two)],
    [
      'chunks',
      endless(head.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n'), (count) => {
        const bytes = part(two(count));
        return raw(`${bytes.length.toString(16)}\r\n`, Buffer.concat([bytes, Buffer.from('\r\n')]));
      }),
    ],
    ['a blank line before the status', endless(`\r\n${head}`, (count) => part(two(count)))],
  ] as const) {
    it(`gives the pictures of a stream with ${name}`, async () => {
      camera.answer = () => answer;
      stream();
      await told.until(() => told.frames.length >= 4);
      assert.deepEqual(told.troubles, []);
      assert.deepEqual(
        [Buffer.from(told.frames[0]!.bytes), Buffer.from(told.frames[1]!.bytes)],
        [other, picture],
      );
    });
  }

  for (const length of [4094, 2, 4096 + 608 + 300]) {
    it(`gives each picture whose comment says ${length} bytes and has others`, async () => {
      const wrong = withWrongComment(picture, length);
      camera.answer = () => endless(head, () => part(wrong));
      stream();
      await told.until(() => told.frames.length >= 3);
      assert.deepEqual(Buffer.from(told.frames[0]!.bytes), wrong);
      assert.deepEqual(told.troubles, []);
    });
  }

  it('completes pictures that lack their end marker', async () => {
    camera.answer = () => endless(head, () => part(picture.subarray(0, picture.length - 2)));
    stream();
    await told.until(() => told.frames.length >= 2);
    assert.deepEqual(Buffer.from(told.frames[0]!.bytes), picture);
  });

  it('is opened again when it breaks', async () => {
    camera.answer = () => raw(head, Buffer.concat([part(picture), part(picture)]));
    stream();
    await told.until(() => told.frames.length >= 4);
    assert.ok(told.connections >= 2);
    assert.deepEqual(
      [told.troubles[0]?.code, /it ended$/.test(told.troubles[0]?.message ?? '')],
      ['frame-stream', true],
    );
  });

  it('keeps to its interval, and gives a current picture on request', async () => {
    let sent = 0;
    camera.answer = () =>
      endless(head, () => {
        sent += 1;
        return part(picture);
      });
    stream({ intervalMs: 60_000 });
    await told.until(() => told.frames.length >= 1);
    await told.until(() => sent >= 10);
    assert.equal(told.frames.length, 1);
    const asked = Date.now();
    source.take();
    await told.until(() => told.frames.length >= 2);
    assert.ok(told.frames[1]!.capturedAt >= asked - 500, 'not older than half a second');
  });

  it('is reported when nothing arrives, and when pictures stop', async () => {
    camera.answer = () => (socket) => void socket.write(head);
    const clock = new ManualClock();
    stream({ clock, timeoutMs: 2000 });
    await told.until(() => camera.requests.length === 1);
    clock.advance(2000);
    await told.until(() => told.troubles.length >= 1);
    assert.match(told.troubles[0]!.message, /nothing was received for 2000 ms/);
    camera.answer = () => (socket) => void socket.write(raw(head, part(picture)));
    clock.advance(5);
    await told.until(() => told.frames.length >= 1);
    clock.advance(2000);
    await told.until(() => told.troubles.length > 1);
    assert.match(told.troubles.at(-1)!.message, /no picture was received for 2000 ms/);
  });

  it('counts pictures, not bytes: a video of another kind is named', async () => {
    const video = randomBytes(2000).map((byte) => (byte === 0xff ? 0 : byte));
    camera.answer = () =>
      endless('HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n\r\n', () => Buffer.from(video));
    const clock = new ManualClock();
    stream({ clock, timeoutMs: 2000 });
    const named = () =>
      told.troubles.find(({ message }) => /\d+ bytes were received within 2000 ms/.test(message));
    // On a busy machine the first bytes come late: each attempt gets more time for them.
    for (let attempt = 1; named() === undefined; attempt++) {
      await told.until(() => camera.requests.length >= attempt);
      await delay(20 * attempt);
      clock.advance(2000);
      await told.until(() => told.troubles.length + told.knownTroubles.length >= attempt);
      clock.advance(60_000);
    }
    assert.match(named()!.message, /, but no picture/);
    assert.match(named()!.hint ?? '', /H\.264 or H\.265 choose RTSP/);
  });

  it('does not blame the type of a JPEG part that never ends', async () => {
    const part = Buffer.from('--b\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8', 'latin1');
    camera.answer = () => endless(head, (count) => (count === 0 ? part : Buffer.alloc(0)));
    stream({ timeoutMs: 100 });
    await told.until(() => told.troubles.length >= 1);
    assert.doesNotMatch(told.troubles[0]!.message, /expected image\/jpeg/);
  });

  it('names the type of parts that are not JPEG', async () => {
    const png = Buffer.from(
      '--b\r\nContent-Length: 4\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n',
      'latin1',
    );
    camera.answer = () => endless(head, () => png);
    // An attempt that ends before its first bytes have come is followed by another one.
    stream({ timeoutMs: 100 });
    const named = () => told.troubles.find(({ message }) => message.includes('received image/png'));
    await told.until(() => named() !== undefined);
    assert.match(named()!.hint ?? '', /Choose JPEG/);
  });

  it('recognises a snapshot address and a page', async () => {
    camera.answer = () => rawPicture(picture);
    stream();
    await told.until(() => told.troubles.length >= 1);
    assert.match(told.troubles[0]!.hint ?? '', /choose "a snapshot address"/);
    camera.answer = () => raw('HTTP/1.1 200 OK\r\n\r\n', '<html><title>Web Service</title></html>');
    await told.until(() => told.troubles.length > 1);
    assert.match(told.troubles.at(-1)!.message, /without a picture: Web Service/);
  });

  it('leaves a camera alone after a refused login', async () => {
    const clock = new ManualClock();
    camera.answer = () => rawUnauthorized('Digest realm="camera", nonce="abc", qop="auth"');
    stream({ clock, credentials: { user: 'me', password: 'wrong' } });
    await told.until(() => told.troubles.length >= 1);
    assert.equal(told.troubles[0]!.code, 'image-login');
    clock.advance(59_000);
    await camera.probed();
    assert.equal(camera.requests.length, 2);
    clock.advance(1_000);
    await told.until(() => camera.requests.length >= 4);
  });

  it('reports a lasting trouble once a minute', async () => {
    const clock = new ManualClock();
    camera.answer = () => 'HTTP/1.1 503 Busy\r\n\r\n';
    stream({ clock });
    // The longest pause is 10 s: 110 s in all.
    for (let attempt = 1; attempt <= 12; attempt++) {
      if (attempt > 1) clock.advance(10_000);
      await told.until(
        () => told.troubles.length + told.knownTroubles.length === attempt && clock.timers === 1,
      );
    }
    assert.equal(told.troubles.length, 2);
  });
});
