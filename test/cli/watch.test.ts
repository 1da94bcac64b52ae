import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { useCleanup } from '../cleanup';
import { demoFrame, repositoryRoot } from '../fixtures';
import { canServe, RtspServer } from '../frame/rtsp-server';
import { NatsFake } from '../nats/nats-fake';
import { hasNatsServer } from '../nats/test-server';
import { RawCamera, rawPicture, rawUnauthorized } from '../raw-camera';
import { useTempFolder } from '../temp-folder';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));

describe('smolvlm watch', function () {
  const cleanup = useCleanup();
  this.timeout(60_000);
  const temp = useTempFolder();
  const camera = new RawCamera();
  let child: ChildProcess | undefined;
  let said = '';

  function start(cameras: readonly object[], ...args: string[]): ChildProcess {
    writeFileSync(temp('cameras.json'), JSON.stringify({ cameras }));
    said = '';
    const program = `${repositoryRoot}/dist/cli/main.js`;
    child = spawn(process.execPath, [program, 'watch', '--config', temp('cameras.json'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    return child;
  }

  async function hasSaid(pattern: RegExp): Promise<void> {
    while (!pattern.test(said)) {
      if (child?.exitCode !== null) assert.fail(`ended: ${said}`);
      await delay(10);
    }
  }

  before(() => camera.listen());
  after(() => camera.close());
  afterEach(function () {
    child?.kill('SIGKILL');
    if (this.currentTest?.state === 'failed') process.stderr.write(said);
  });

  const locked = (): object => ({
    ...{ name: 'gate', source: 'snapshot', user: 'me', password: 'geheim', retries: 0 },
    url: camera.url('/gate').href.replace('//', '//me:geheim@'),
  });

  it('publishes snapshots, streams and folders, prints the captions, and ends cleanly on SIGTERM', async function () {
    if (!hasNatsServer) this.skip();
    camera.answer = ({ url }) => {
      if (url === '/gate') return rawUnauthorized('Basic realm="camera"');
      if (url === '/snap') return rawPicture(street);
      const part = `--b\r\nContent-Type: image/jpeg\r\n\r\n`;
      return (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n');
        socket.write(Buffer.concat([Buffer.from(part), street, Buffer.from(`\r\n${part}`), street]));
      };
    };
    mkdirSync(temp('uploads'));
    const fake = await NatsFake.start();
    cleanup(() => fake.close());
    await fake.hub();
    const captions = await fake.listen('smolvlm.*.caption');
    const watch = start(
      [
        {
          name: 'porch',
          source: 'snapshot',
          url: camera.url('/snap').href,
          interval: 0.2,
          unchangedBits: 10,
        },
        { name: 'yard', source: 'mjpeg', url: camera.url('/stream').href, prompt: 'What moves?' },
        { name: 'ftp', source: 'folder', folder: temp('uploads'), interval: 0.2 },
        locked(),
      ],
      ...['--nats', fake.server.url, '--print', '--publish', '--status-every', '1'],
    );
    await hasSaid(/porch: 1 of \d+ bytes: /);
    await hasSaid(/yard: 1 of \d+ bytes: What moves\?/);
    await hasSaid(/ftp: connected/);
    copyFileSync(demoFrame('frame_09_street_day.jpg'), temp('uploads', 'new.jpg'));
    await hasSaid(/ftp: 1 of \d+ bytes: /);
    await hasSaid(/gate: .* 401 Unauthorized \[image-login\]/);
    await hasSaid(
      /porch: delivers pictures; \d+ pictures, the last \d s ago, [1-9]\d* held back, 1 published, 1 captions/,
    );
    const exited = once(watch, 'exit');
    watch.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
    assert.doesNotMatch(said, /geheim/);
    assert.ok(captions.some(({ subject }) => subject === 'smolvlm.porch.caption'));
  });

  it('publishes the pictures of an RTSP stream, with its login', async function () {
    if (!hasNatsServer || !canServe()) this.skip();
    const rtsp = await RtspServer.start('--login', 'me:geheim');
    const fake = await NatsFake.start();
    try {
      await fake.hub();
      const url = rtsp.url().href.replace('//', '//{user}:{password}@');
      const gate = { name: 'gate', source: 'rtsp', url, user: 'me', password: 'geheim', interval: 2 };
      const watch = start([gate], '--nats', fake.server.url, '--print');
      await hasSaid(/gate: 1 of \d+ bytes: Describe/);
      const exited = once(watch, 'exit');
      watch.kill('SIGTERM');
      assert.deepEqual(await exited, [0, null]);
      assert.match(said, /gate: delivers pictures; [1-9]/);
      assert.doesNotMatch(said, /geheim/);
    } finally {
      await fake.close();
      await rtsp.stop();
    }
  });

  it('tries each camera once with --check', async () => {
    camera.answer = ({ url }) =>
      url === '/gate' ? rawUnauthorized('Basic realm="camera"') : rawPicture(street);
    const process_ = start(
      [{ name: 'porch', source: 'snapshot', url: camera.url('/snap').href }, locked()],
      '--check',
    );
    assert.deepEqual(await once(process_, 'close'), [1, null]);
    assert.match(said, /^camera +source +result\nporch +snapshot +ok: \d+x\d+, \d+ kB, \d+ ms\n/);
    assert.match(said, /\ngate +snapshot +.*\[image-login\]\n$/);
    assert.doesNotMatch(said, /geheim/);
  });

  it('ends with the reason when the server can never be used', async function () {
    if (!hasNatsServer) this.skip();
    const fake = await NatsFake.start({ jetstream: false });
    const cameras = [{ name: 'porch', source: 'folder', folder: temp() }];
    const process_ = start(cameras, '--nats', fake.server.url);
    assert.deepEqual(await once(process_, 'close'), [1, null]);
    assert.match(said, /JetStream cannot be used .*\[nats-jetstream\]/);
    await fake.close();
  });
});
