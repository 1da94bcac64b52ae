import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import type { FrameSource, SourceFrame, SourceHooks } from '../../src/frame/frame-source';
import { MjpegSource } from '../../src/frame/mjpeg-source';
import { RtspSource } from '../../src/frame/rtsp-source';
import { SnapshotSource } from '../../src/frame/snapshot-source';
import { RawCamera, raw, rawPicture } from '../raw-camera';
import { ageOf, canServe, RtspServer } from './rtsp-server';

const mostAge = 1;
/** Few pictures a second, as sub-streams have: what waits for several of them is late. */
const keyframeArguments = ['--fps', '5', '--keyframes', '10'];
const keyframeSeconds = 2;

interface Arrival {
  readonly frame: SourceFrame;
  readonly receivedAt: number;
}

/** What a source gives, with the time of each picture's arrival. */
class Arrivals implements SourceHooks {
  readonly all: Arrival[] = [];
  readonly troubles: string[] = [];
  readonly openedAt = Date.now();
  onFrame = (frame: SourceFrame): void => void this.all.push({ frame, receivedAt: Date.now() });
  onConnected = (): void => undefined;
  onTrouble = ({ message }: Error): void => void this.troubles.push(message);

  async until(count: number): Promise<void> {
    while (this.all.length < count) await delay(20);
  }
}

/** Brightness of `rtsp-server.py`'s clock at this moment. */
async function clockPicture(): Promise<Buffer> {
  const grey = Math.round((((Date.now() / 1000) % 25) * 8 * 255) / 219);
  const background = { r: grey, g: grey, b: grey };
  return sharp({ create: { width: 64, height: 64, channels: 3, background } })
    .jpeg()
    .toBuffer();
}

describe('a clock in the picture', function () {
  this.timeout(300_000);
  let rtsp: RtspServer;
  let camera: RawCamera;
  const sources: FrameSource[] = [];
  before(async function () {
    if (!canServe()) this.skip();
    rtsp = await RtspServer.start(...keyframeArguments);
    // A camera's stream runs before anybody looks; this server's begins with the first viewer, and its first picture waits
    // until that one is ready.
    const viewer = new Arrivals();
    sources.push(new RtspSource({ url: rtsp.url(), intervalMs: 1_000, timeoutMs: 10_000 }, viewer));
    await viewer.until(2);
    camera = new RawCamera();
    camera.answer =
      ({ url }) =>
      (socket) => {
        if (url === '/snap') {
          void clockPicture().then((bytes) => socket.end(rawPicture(bytes)));
          return;
        }
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n');
        const timer = setInterval(() => {
          void clockPicture().then((bytes) =>
            socket.write(
              raw(`--b\r\nContent-Type: image/jpeg\r\nContent-Length: ${bytes.length}\r\n\r\n`, bytes),
            ),
          );
        }, 200);
        socket.on('close', () => clearInterval(timer));
      };
    await camera.listen();
  });
  after(async () => {
    for (const source of sources) source.close();
    await rtsp?.stop();
    await camera?.close();
  });

  function opened(kind: string, intervalMs: number, hooks: SourceHooks): FrameSource {
    const timeoutMs = 10_000;
    if (kind === 'RTSP') return new RtspSource({ url: rtsp.url(), intervalMs, timeoutMs }, hooks);
    if (kind === 'MJPEG')
      return new MjpegSource({ url: camera.url('/stream'), intervalMs, timeoutMs }, hooks);
    return new SnapshotSource({ url: camera.url('/snap'), intervalMs, timeoutMs, retries: 0 }, hooks);
  }

  /** Two intervals with a request between them. @returns the oldest picture's age and the first one's delay, seconds */
  async function measure(
    kind: string,
    seconds: number,
  ): Promise<{ readonly age: number; readonly first: number }> {
    const arrivals = new Arrivals();
    const source = opened(kind, seconds * 1000, arrivals);
    sources.push(source);
    await arrivals.until(1);
    const first = (arrivals.all[0]!.receivedAt - arrivals.openedAt) / 1000;
    await delay(Math.min(10_000, seconds * 400));
    const [before, askedAt] = [arrivals.all.length, Date.now()];
    source.take();
    await arrivals.until(before + 1);
    const waited = (arrivals.all[before]!.receivedAt - askedAt) / 1000;
    assert.ok(waited <= keyframeSeconds + 3, `${kind}: a picture of now came after ${waited} s`);
    await arrivals.until(before + 3);
    source.close();
    assert.deepEqual(arrivals.troubles, []);
    const ages = await Promise.all(
      arrivals.all.flatMap(({ frame: { bytes, capturedAt }, receivedAt }) => [
        ageOf(bytes, capturedAt),
        ageOf(bytes, receivedAt),
      ]),
    );
    return { age: Math.max(...ages), first };
  }

  for (const seconds of [2, 10, 60]) {
    it(`shows pictures of now every ${seconds} s, over RTSP, MJPEG and snapshots (ffmpeg, gst-rtsp-server)`, async () => {
      const kinds = ['RTSP', 'MJPEG', 'snapshot'];
      const measured = await Promise.all(kinds.map((kind) => measure(kind, seconds)));
      for (const [index, { age, first }] of measured.entries()) {
        const figures = `${kinds[index]}: first after ${first.toFixed(2)} s, oldest ${age.toFixed(2)} s`;
        console.log(`      every ${seconds} s, ${figures}`);
        assert.ok(age <= mostAge, figures);
        assert.ok(first <= keyframeSeconds + 3, figures);
      }
    });
  }

  for (const [intervalMs, codec] of [
    [2_000, 'h264'],
    [10_000, 'h264'],
    [10_000, 'bare'],
  ] as const) {
    it(`shows a stream of ${codec} whose keyframes are further apart than the timeout, every ${intervalMs / 1000} s (ffmpeg, gst-rtsp-server)`, async () => {
      const keyframes = 12;
      const video = ['--codec', codec, '--fps', '5', '--keyframes', `${keyframes * 5}`];
      const server = await RtspServer.start(...video);
      const options = { url: server.url(), intervalMs, timeoutMs: 5_000 };
      // The stream runs already when the second one connects, and does not begin with a keyframe for it.
      const viewer = new Arrivals();
      sources.push(new RtspSource({ ...options, intervalMs: 1_000 }, viewer));
      await viewer.until(1);
      await delay(1_000);
      const arrivals = new Arrivals();
      sources.push(new RtspSource(options, arrivals));
      await arrivals.until(1);
      const [{ frame, receivedAt }] = arrivals.all as [Arrival];
      const first = (receivedAt - arrivals.openedAt) / 1000;
      assert.deepEqual(arrivals.troubles, []);
      assert.ok(first > 5 && first <= keyframes + 3, `the first picture came after ${first.toFixed(1)} s`);
      assert.ok((await ageOf(frame.bytes, receivedAt)) <= mostAge);
      for (const source of sources.splice(0)) source.close();
      await server.stop();
    });
  }
});
