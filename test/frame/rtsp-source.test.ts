import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { type RtspOptions, RtspSource } from '../../src/frame/rtsp-source';
import { demoFrame } from '../fixtures';
import { ManualClock } from '../system/manual-clock';
import { useTempFolder } from '../temp-folder';
import { RecordedHooks } from './recorded-hooks';
import { ageOf, canServe, RtspServer } from './rtsp-server';

const picture = readFileSync(demoFrame('frame_09_street_day.jpg'));

/** Seconds that no other process of this machine sleeps. */
const asleep = `4711.${String(process.pid).padStart(7, '0')}`;

/** Command lines of all processes that hold a text. */
function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(text));
}

describe('RtspSource', () => {
  const temp = useTempFolder();
  let told: RecordedHooks;
  let source: RtspSource;
  let server: RtspServer | undefined;
  beforeEach(() => {
    told = new RecordedHooks();
    server = undefined;
  });
  afterEach(async () => {
    source?.close();
    await server?.stop();
  });

  function rtsp(url: URL, more: Partial<RtspOptions> = {}): RtspSource {
    source = new RtspSource({ url, intervalMs: 2000, timeoutMs: 5000, pauseMs: 5, ...more }, told);
    return source;
  }

  describe('with a program in ffmpeg’s place', () => {
    const url = new URL('rtsp://camera:554/live');

    function program(script: string, version = 'ffmpeg version 5.1.9'): string {
      const answer = `[ "$1" = -version ] && { echo "${version}"; exit 0; }`;
      writeFileSync(temp('ffmpeg'), `#!/bin/sh\n${answer}\n${script}\n`);
      chmodSync(temp('ffmpeg'), 0o755);
      writeFileSync(temp('a.jpg'), picture);
      return temp('ffmpeg');
    }

    it('gives the login to ffmpeg by its input, not by its arguments', async () => {
      const ffmpeg = program(
        `echo "$@" > ${temp('arguments')}; cat > ${temp('input')}; cat ${temp('a.jpg')}; sleep 60`,
      );
      rtsp(url, { ffmpeg, credentials: { user: 'me', password: 'se@cret' } });
      await told.until(() => told.frames.length >= 1);
      assert.deepEqual(Buffer.from(told.frames[0]!.bytes), picture);
      assert.match(
        readFileSync(temp('input'), 'utf8'),
        /file 'rtsp:\/\/me:se%40cret@camera:554\/live'\noption rtsp_transport tcp/,
      );
      assert.doesNotMatch(readFileSync(temp('arguments'), 'utf8'), /cret/);
    });

    it('asks an old ffmpeg for TCP in the address', async () => {
      const ffmpeg = program(
        `cat > ${temp('input')}; cat ${temp('a.jpg')}; sleep 60`,
        'ffmpeg version 4.3.6-0',
      );
      rtsp(url, { ffmpeg });
      await told.until(() => told.frames.length >= 1);
      assert.equal(
        readFileSync(temp('input'), 'utf8'),
        "ffconcat version 1.0\nfile 'rtsp://camera:554/live?tcp'\n",
      );
    });

    for (const [said, code, message] of [
      [
        '[rtsp @ 0x55] method DESCRIBE failed: 401 Unauthorized',
        'image-login',
        /refuses the user or password/,
      ],
      ['pipe:0: Server returned 404 Not Found', 'frame-stream', /no stream at this path/],
      ['pipe:0: Server returned 400 Bad Request', 'frame-stream', /answered 400 Bad Request/],
      [
        "Stream map '0:v:0' matches no streams.\nTo ignore this, add a trailing '?' to the map.",
        'frame-stream',
        /the stream has no video/,
      ],
      [
        '[tcp @ 0x5] Connection to tcp://camera:554?timeout=0 failed: Connection refused',
        'frame-stream',
        /connection is refused/,
      ],
      [
        'rtsp://me:hunter2@camera/live: Odd data',
        'frame-stream',
        /failed: rtsp:\/\/…@camera\/live: Odd data$/,
      ],
      [
        '[data @ 0x55] Application provided invalid, non monotonically increasing dts to muxer in stream 0: 10 >= 10',
        'frame-stream',
        /the camera closed the stream/,
      ],
      ['', 'frame-stream', /ffmpeg ended with 3/],
    ] as const) {
      it(`says what "${said.split('\n')[0]}" means`, async () => {
        writeFileSync(temp('said'), said);
        rtsp(url, { ffmpeg: program(`cat ${temp('said')} >&2; exit 3`), clock: new ManualClock() });
        await told.until(() => told.troubles.length >= 1);
        assert.equal(told.troubles[0]!.code, code);
        assert.match(told.troubles[0]!.message, message);
      });
    }

    it('says that the camera closed the stream, and opens it again', async () => {
      rtsp(url, { ffmpeg: program(`cat ${temp('a.jpg')}; exit 0`), intervalMs: 40 });
      await told.until(() => told.frames.length >= 2);
      assert.match(told.troubles[0]!.message, /the camera closed the stream/);
    });

    it('passes on one picture of two that come at once', async () => {
      const ffmpeg = program(
        `cat > /dev/null; cat ${temp('a.jpg')} ${temp('a.jpg')}; echo > ${temp('sent')}; exec sleep 60`,
      );
      rtsp(url, { ffmpeg });
      await told.until(() => told.frames.length > 0 && existsSync(temp('sent')));
      await delay(50);
      assert.equal(told.frames.length, 1);
    });

    it('leaves a camera alone after a refused login', async () => {
      const clock = new ManualClock();
      const ffmpeg = program(`echo x >> ${temp('runs')}; echo "401 Unauthorized" >&2; exit 1`);
      rtsp(url, { ffmpeg, clock });
      await told.until(() => told.troubles.length >= 1);
      clock.advance(59_999);
      await delay(50);
      assert.equal(readFileSync(temp('runs'), 'utf8'), 'x\n');
      clock.advance(1);
      await told.until(() => readFileSync(temp('runs'), 'utf8') === 'x\nx\n');
    });

    it('waits longer than the timeout for a keyframe while video comes', async () => {
      const clock = new ManualClock();
      const ffmpeg = program(
        `while ! [ -e ${temp('key')} ]; do echo video >&3; echo x >> ${temp('sent')}; sleep 0.02; done; cat ${temp('a.jpg')}; sleep 60`,
      );
      writeFileSync(temp('sent'), '');
      rtsp(url, { ffmpeg, clock });
      for (let second = 0; second < 20; second++) {
        const { size } = statSync(temp('sent'));
        await told.until(() => statSync(temp('sent')).size > size);
        // What was sent has arrived after a turn of the event loop.
        await delay(1);
        clock.advance(1000);
      }
      writeFileSync(temp('key'), '');
      await told.until(() => told.frames.length >= 1);
      assert.deepEqual(told.troubles, []);
    });

    it('ends ffmpeg when the video stops', async () => {
      const clock = new ManualClock();
      rtsp(url, { ffmpeg: program(`echo video >&3; echo > ${temp('begun')}; exec sleep ${asleep}1`), clock });
      await told.until(() => existsSync(temp('begun')));
      await delay(50);
      clock.advance(5000);
      await told.until(() => told.troubles.length >= 1);
      assert.match(told.troubles[0]!.message, /nothing was received for 5000 ms/);
      assert.deepEqual(processesWith(`${asleep}1`), []);
    });

    it('ends ffmpeg with the source', async () => {
      rtsp(url, { ffmpeg: program(`echo > ${temp('begun')}; exec sleep ${asleep}2`) });
      await told.until(() => existsSync(temp('begun')));
      source.close();
      await told.until(() => processesWith(`${asleep}2`).length === 0);
      assert.deepEqual(told.troubles, []);
    });

    it('leaves no ffmpeg when its process is killed', async () => {
      const ffmpeg = program(`echo > ${temp('begun')}; exec sleep ${asleep}3`);
      const main = `const { RtspSource } = require(${JSON.stringify(require.resolve('../../src/frame/rtsp-source'))});
        new RtspSource({ url: new URL('rtsp://camera/live'), intervalMs: 1000, timeoutMs: 5000, ffmpeg: ${JSON.stringify(ffmpeg)} },
          { onFrame() {}, onConnected() {}, onTrouble() {} });`;
      const parent = spawn(process.execPath, ['-e', main], { stdio: 'ignore' });
      const exited = once(parent, 'exit');
      await told.until(() => existsSync(temp('begun'))).finally(() => parent.kill('SIGKILL'));
      await exited;
      await told.until(() => processesWith(`${asleep}3`).length === 0);
      source = rtsp(url, { ffmpeg });
    });

    it('takes a picture for each interval from 5 s on, and sooner on request', async () => {
      const clock = new ManualClock();
      const ffmpeg = program(`echo "$@" >> ${temp('runs')}; cat > /dev/null; cat ${temp('a.jpg')}; sleep 60`);
      rtsp(url, { ffmpeg, clock, intervalMs: 10_000 });
      await told.until(() => told.frames.length >= 1);
      await delay(50);
      assert.equal(readFileSync(temp('runs'), 'utf8').trim().split('\n').length, 1);
      source.take();
      await told.until(() => told.frames.length >= 2);
      await clock.waitedFor(10_000);
      clock.advance(10_000);
      await told.until(() => told.frames.length >= 3);
      assert.match(readFileSync(temp('runs'), 'utf8'), /-skip_frame nokey/);
      assert.deepEqual(told.troubles, []);
    });

    it('says that ffmpeg is missing', async () => {
      rtsp(url, { ffmpeg: '/nowhere/ffmpeg' });
      await told.until(() => told.troubles.length >= 1);
      const { code, hint } = told.troubles[0]!;
      assert.deepEqual([code, /apt install/.test(hint ?? '')], ['frame-ffmpeg', true]);
    });
  });

  describe('with a clock in the picture (needs ffmpeg and gst-rtsp-server)', function () {
    this.timeout(60_000);
    before(function () {
      if (!canServe()) this.skip();
    });

    async function serve(...args: readonly string[]): Promise<URL> {
      server = await RtspServer.start(...args);
      return server.url();
    }

    for (const intervalMs of [2000, 10_000]) {
      it(`gives pictures of now every ${intervalMs / 1000} s, on request and after a change of size`, async () => {
        rtsp(await serve('--keyframes', '15'), { intervalMs });
        await told.until(() => told.frames.length >= 1);
        await delay(500);
        source.take();
        await told.until(() => told.frames.length >= 2);
        server!.tell('size 640 480');
        const sizes = async (): Promise<(number | undefined)[]> =>
          Promise.all(told.frames.map(async ({ bytes }) => (await sharp(bytes).metadata()).width));
        while (!(await sizes()).includes(640)) {
          source.take();
          await delay(100);
        }
        for (const { bytes, capturedAt } of told.frames) {
          const age = await ageOf(bytes, capturedAt);
          assert.ok(age > -0.5 && age <= 1, `${age.toFixed(2)} s old`);
        }
      });
    }

    it('logs in, and shows no password to other users', async () => {
      const url = await serve('--login', 'me:hush71%');
      rtsp(url, { credentials: { user: 'me', password: 'hush71%' } });
      await told.until(() => told.frames.length >= 1);
      // This test's own server has it in its arguments.
      assert.ok(processesWith('hush71').every((line) => line.includes('rtsp-server')));
      source.close();
      rtsp(url, { credentials: { user: 'me', password: 'wrong' } });
      await told.until(() => told.troubles.length >= 1);
      assert.equal(told.troubles[0]!.code, 'image-login');
    });

    it('names a wrong path and a stream without video', async () => {
      await serve('--codec', 'audio');
      rtsp(server!.url('/other'));
      await told.until(() => told.troubles.length >= 1);
      assert.match(told.troubles[0]!.message, /no stream at this path/);
      source.close();
      rtsp(server!.url());
      await told.until(() => told.troubles.length > 1);
      assert.match(told.troubles.at(-1)!.message, /the stream has no video/);
    });

    it('delivers again after the camera restarted', async () => {
      rtsp(await serve());
      await told.until(() => told.frames.length >= 1);
      const { port } = server!;
      await server!.stop();
      await told.until(() => told.troubles.length >= 1);
      const before = told.frames.length;
      server = await RtspServer.start('--port', String(port));
      await told.until(() => told.frames.length > before);
    });
  });
});
