import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { SnapshotSource } from '../../src/frame/snapshot-source';
import { demoFrame } from '../fixtures';
import { RawCamera, rawPicture, rawUnauthorized } from '../raw-camera';
import { ManualClock } from '../system/manual-clock';
import { RecordedHooks } from './recorded-hooks';

const picture = readFileSync(demoFrame('frame_09_street_day.jpg'));
const refused = rawUnauthorized('Digest realm="camera", nonce="abc", qop="auth"');
const wrong = { user: 'me', password: 'wrong' };

describe('SnapshotSource', () => {
  let camera: RawCamera;
  let told: RecordedHooks;
  let clock: ManualClock;
  let source: SnapshotSource;
  beforeEach(async () => {
    told = new RecordedHooks();
    clock = new ManualClock();
    camera = new RawCamera();
    camera.answer = () => rawPicture(picture);
    await camera.listen();
  });
  afterEach(async () => {
    source?.close();
    await camera.close();
  });

  function snapshot(more: object = {}, url = camera.url()): SnapshotSource {
    source = new SnapshotSource({ url, timeoutMs: 2000, retries: 0, retryPauseMs: 1, ...more }, told);
    return source;
  }
  const passwords = (): number => camera.requests.filter(({ authorization }) => authorization !== '').length;

  it('fetches a picture on request, with its time', async () => {
    const times = 'Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT\r\nDate: Sat, 01 Jan 2000 00:00:31 GMT\r\n';
    camera.answer = () => rawPicture(picture, times);
    snapshot();
    await camera.probed();
    assert.equal(camera.requests.length, 0);
    const asked = Date.now();
    source.take();
    await told.until(() => told.frames.length >= 1);
    assert.deepEqual(Buffer.from(told.frames[0]!.bytes), picture);
    const received = told.frames[0]!.capturedAt + 30_000;
    assert.ok(received >= asked && received <= Date.now(), `${received - asked} ms after the request`);
  });

  it('fetches at an interval, never twice at once', async () => {
    let open = 0;
    let most = 0;
    camera.answer = () => (socket) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        socket.end(rawPicture(picture));
      }, 30);
    };
    snapshot({ intervalMs: 10 }).take();
    await told.until(() => told.frames.length >= 3);
    assert.equal(most, 1);
  });

  it('fetches another picture for a request that its picture causes', async () => {
    snapshot();
    const { onFrame } = told;
    told.onFrame = (frame) => {
      onFrame(frame);
      if (told.frames.length === 1) source.take();
    };
    source.take();
    await told.until(() => told.frames.length >= 2);
  });

  it('tries again after a failure', async () => {
    camera.answer = () => (camera.requests.length < 3 ? 'HTTP/1.1 503 Busy\r\n\r\n' : rawPicture(picture));
    snapshot({ retries: 2 }).take();
    await told.until(() => told.frames.length >= 1);
    assert.equal(camera.requests.length, 3);
  });

  it('shows no secret of the address in its errors', async () => {
    camera.answer = () => 'HTTP/1.1 404 Not Found\r\n\r\n';
    const url = camera.url('/api.cgi?cmd=Snap&user=me&password=hunter2');
    url.username = 'me';
    url.password = 'hunter2';
    snapshot({}, url).take();
    await told.until(() => told.troubles.length >= 1);
    assert.match(told.troubles[0]!.message, /cmd=Snap&user=…&password=… answered 404/);
  });

  it('asks again after an answer that stops in the middle', async () => {
    let isBroken = true;
    camera.answer = () => {
      const answer = rawPicture(picture);
      return isBroken ? (socket) => void socket.write(answer.subarray(0, 1000)) : answer;
    };
    snapshot({ timeoutMs: 1000, intervalMs: 5 });
    await told.until(() => told.troubles.length >= 1);
    assert.match(told.troubles[0]!.message, /within 1000 ms/);
    isBroken = false;
    await told.until(() => told.frames.length >= 1);
  });

  it('sends no password unasked, and a wrong one once', async () => {
    snapshot({ credentials: { user: 'me', password: 'secret' } }).take();
    await told.until(() => told.frames.length >= 1);
    assert.equal(passwords(), 0);
    source.close();
    camera.answer = () => refused;
    snapshot({ credentials: wrong, retries: 5 }).take();
    await told.until(() => told.troubles.length >= 1);
    assert.equal(told.troubles[0]!.code, 'image-login');
    assert.equal(passwords(), 1);
  });

  it('leaves a camera alone for a minute after a refused login, at an interval and on request', async () => {
    camera.answer = () => refused;
    snapshot({ intervalMs: 5000, credentials: wrong, clock });
    await told.until(() => told.troubles.length >= 1);
    clock.advance(59_999);
    source.take();
    assert.match(told.troubles[1]!.message, /next attempt is in 1 s/);
    await camera.probed();
    assert.equal(passwords(), 1);
    clock.advance(1);
    await told.until(() => told.troubles.length >= 3);
    clock.advance(60_000);
    await camera.probed();
    assert.equal(passwords(), 2);
  });

  it('tries sooner where the password has worked before, fewer than five times', async () => {
    snapshot({ intervalMs: 5000, credentials: wrong, clock });
    await told.until(() => told.frames.length > 0 && clock.timers === 1);
    camera.answer = () => refused;
    clock.advance(5000);
    for (const count of [1, 2, 3, 4]) {
      await told.until(() => told.troubles.length === count && clock.timers === 1);
      clock.advance(15_000);
    }
    await camera.probed();
    assert.equal(passwords(), 4);
    camera.answer = () => rawPicture(picture);
    clock.advance(300_000);
    await told.until(() => told.frames.length >= 2);
  });

  it('tries a camera that fails every 10 s, whatever the interval, and reports that once', async () => {
    camera.answer = () => 'HTTP/1.1 503 Busy\r\n\r\n';
    snapshot({ intervalMs: 60_000, clock });
    for (const count of [1, 2, 3]) {
      await told.until(() => camera.requests.length === count && clock.timers === 1);
      clock.advance(9_999);
      await camera.probed();
      assert.equal(camera.requests.length, count);
      if (count === 3) camera.answer = () => rawPicture(picture);
      clock.advance(1);
    }
    await told.until(() => told.frames.length >= 1);
    assert.equal(told.troubles.length, 1);
    clock.advance(59_999);
    await camera.probed();
    assert.equal(camera.requests.length, 4);
  });
});
