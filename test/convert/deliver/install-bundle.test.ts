import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { prepareCpuBundle } from '../../../src/convert/bundle/cpu-bundle';
import { fetchArchive } from '../../../src/convert/deliver/fetch-archive';
import { installBundle } from '../../../src/convert/deliver/install-bundle';
import { packBundle } from '../../../src/convert/deliver/pack-bundle';
import { withReference } from '../../../src/convert/npu/bundle-reference';
import { chooseFrames } from '../../../src/convert/npu/calibration-frames';
import { readBundle } from '../../../src/model/bundle/read-bundle';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { repositoryRoot } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';
import { writeSmallCheckpoint } from '../small-checkpoint';

describe('a packed bundle', function () {
  this.timeout(60_000);
  const temp = useTempFolder();
  let folder: string;
  let archives: readonly { readonly path: string; readonly sha256: string }[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smolvlm-pack-'));
    await writeSmallCheckpoint(join(folder, 'small'), 1);
    const checkpoint = await openCheckpoint(join(folder, 'small'));
    const made = [];
    for (const visionPrecision of ['float32', 'int8'] as const) {
      const dir = join(folder, visionPrecision);
      const reference = withReference(checkpoint, await chooseFrames());
      await prepareCpuBundle(checkpoint, dir, { visionPrecision, reference });
      made.push(await packBundle(await readBundle(dir), join(folder, `${visionPrecision}.tar`)));
    }
    await checkpoint.close();
    archives = made;
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('is not packed when a file was changed', async () => {
    await cp(join(folder, 'int8'), temp('changed'), { recursive: true });
    await truncate(temp('changed', 'l0_mlp.onnx.data'), 10);
    await assert.rejects(packBundle(await readBundle(temp('changed')), temp('x.tar')), {
      code: 'bundle-file-size',
      message: /l0_mlp/,
    });
    assert.deepEqual(await readdir(temp()), ['changed']);
  });

  it('switches the place to the new version, and keeps the one before', async () => {
    const place = temp('hub', 'bundle');
    for (const { path } of [...archives, archives[0]!]) await installBundle(path, place);
    const { manifest } = await readBundle(place);
    assert.equal(manifest.stages[0]?.precision, 'float32');
    const versions = (await readdir(temp('hub'))).sort();
    assert.deepEqual(versions, ['bundle', ...archives.map((archive) => versionName(archive))].sort());
  });

  it('replaces a bundle that is there as a folder, and nothing else', async () => {
    await cp(join(folder, 'float32'), temp('hub'), { recursive: true });
    const installed = await installBundle(archives[1]!.path, temp('hub'));
    assert.equal(installed.manifest.stages[0]?.precision, 'int8');
    assert.ok(existsSync(temp('hub@before')));
    await mkdir(temp('photos'));
    await writeFile(temp('photos', 'a.jpg'), 'x');
    await assert.rejects(installBundle(archives[0]!.path, temp('photos')), { code: 'bundle-place' });
  });

  it('refuses a place that is a link to a folder of other files', async () => {
    await mkdir(temp('photos'));
    await writeFile(temp('photos', 'a.jpg'), 'x');
    await symlink('photos', temp('bundle'));
    await assert.rejects(installBundle(archives[0]!.path, temp('bundle')), { code: 'bundle-place' });
    assert.equal(await readlink(temp('bundle')), 'photos');
  });

  it('deletes older versions, and no neighbour of a similar name that it did not make', async () => {
    const place = temp('bundle');
    await installBundle(archives[0]!.path, place);
    const neighbours = ['bundle@home.jpg', 'bundle@photos', 'bundle@before', `bundle@${'0'.repeat(12)}`];
    await writeFile(temp('bundle@home.jpg'), 'x');
    await writeFile(temp('bundle.link'), 'x');
    for (const name of neighbours.slice(1)) {
      await mkdir(temp(name));
      await writeFile(temp(name, 'a.jpg'), 'x');
    }
    // A copy that somebody made of an installed version is not ours either.
    await cp(temp(versionName(archives[0]!)), temp('bundle@copy'), { recursive: true });
    await installBundle(archives[1]!.path, place);
    await rm(place);
    await cp(join(folder, 'float32'), place, { recursive: true });
    await installBundle(archives[0]!.path, place);
    const left = (await readdir(temp())).sort();
    assert.deepEqual(
      left,
      [
        ...neighbours,
        'bundle',
        'bundle.link',
        'bundle@copy',
        'bundle@before-2',
        versionName(archives[0]!),
      ].sort(),
    );
    assert.deepEqual(await readdir(temp('bundle@before')), ['a.jpg']);
  });

  it('refuses to unpack over a folder that has the version’s name and was not made by an installation', async () => {
    const version = versionName(archives[0]!, 'hub');
    await mkdir(temp(version));
    await writeFile(temp(version, 'a.jpg'), 'x');
    await assert.rejects(installBundle(archives[0]!.path, temp('hub')), { code: 'bundle-place' });
    assert.deepEqual(await readdir(temp(version)), ['a.jpg']);
  });

  it('keeps the earlier bundle when the new one fails its self-test, is damaged, or is another file', async () => {
    const place = temp('bundle');
    await installBundle(archives[0]!.path, place);
    const selfTest = (): Promise<void> => Promise.reject(new Error('cosine 0.2'));
    await assert.rejects(installBundle(archives[1]!.path, place, { selfTest }), /cosine 0\.2/);
    await cp(archives[1]!.path, temp('cut.tar'));
    await truncate(temp('cut.tar'), 200_000);
    await assert.rejects(installBundle(temp('cut.tar'), place), { code: /archive-damaged|bundle-file/ });
    await writeFile(temp('text.tar'), 'no archive at all'.repeat(100));
    await assert.rejects(installBundle(temp('text.tar'), place), { code: 'archive-damaged' });
    await assert.rejects(installBundle(archives[1]!.path, place, { sha256: 'ab'.repeat(32) }), {
      code: 'archive-checksum',
    });
    assert.equal((await readBundle(place)).manifest.stages[0]?.precision, 'float32');
    const left = (await readdir(temp())).filter((name) => name.startsWith('bundle')).sort();
    assert.deepEqual(left, ['bundle', versionName(archives[0]!)]);
  });

  it('runs its reference on this machine before it is put in place', async () => {
    const main = join(repositoryRoot, 'dist', 'cli', 'main.js');
    const args = ['install', archives[0]!.path, '--to', temp('hub'), '--json'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...args]);
    assert.equal(JSON.parse(stdout).tested, true);
    assert.match(stderr, /self-test l0_mlp/);
  });

  describe('over HTTP', () => {
    let server: Server;
    let url: URL;
    let requests: IncomingMessage[];
    let answer: (request: IncomingMessage, response: ServerResponse, data: Buffer) => void;
    const quick = { stallTimeoutMs: 5000, attempts: 3, backoffMs: 1 };

    beforeEach(async () => {
      requests = [];
      answer = serve('"one"');
      const data = await readFile(archives[1]!.path);
      server = createServer((request, response) => {
        requests.push(request);
        answer(request, response, data);
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/bundle.tar`);
    });
    afterEach(() => new Promise((resolve) => server.close(resolve)));

    it('continues where the connection broke', async () => {
      const whole = serve('"one"');
      answer = (request, response, data) => {
        if (requests.length > 1) return whole(request, response, data);
        response.writeHead(200, { etag: '"one"', 'content-length': data.length });
        response.write(data.subarray(0, 300_000));
        void keptPart().then(() => response.destroy());
      };
      // A client may drop what it has received and not yet kept when the connection breaks.
      const keptPart = async (): Promise<void> => {
        for (;;) {
          const partial = (await readdir(temp())).find((name) => name.endsWith('.partial'));
          if (partial !== undefined && (await stat(temp(partial))).size > 0) return;
          await delay(5);
        }
      };
      await installBundle(url, temp('hub'), { settings: quick, sha256: archives[1]!.sha256 });
      assert.equal(requests.length, 2);
      assert.match(requests[1]?.headers.range ?? '', /^bytes=[1-9]\d*-$/);
      assert.equal(requests[1]?.headers['if-range'], '"one"');
      assert.deepEqual(
        (await readdir(temp())).filter((name) => name.includes('.tar')),
        [],
      );
    });

    it('starts again when the server has another file by now', async () => {
      await writeFile(temp('a.tar.partial'), 'old bytes');
      await writeFile(temp('a.tar.partial.version'), '"old"');
      await fetchArchive(url, temp('a.tar'), { settings: quick });
      assert.deepEqual(await readFile(temp('a.tar')), await readFile(archives[1]!.path));
    });

    it('starts again when the partial file is longer than the server’s file', async () => {
      await writeFile(temp('a.tar.partial'), Buffer.alloc(50_000_000));
      await writeFile(temp('a.tar.partial.version'), '"one"');
      const whole = serve('"one"');
      answer = (request, response, data) => {
        if (request.headers.range === undefined) return whole(request, response, data);
        response.writeHead(416, { 'content-range': `bytes */${data.length}` }).end();
      };
      await fetchArchive(url, temp('a.tar'), { settings: quick });
      assert.deepEqual(await readFile(temp('a.tar')), await readFile(archives[1]!.path));
    });

    it('gives up with the server’s answer, and keeps the partial file', async () => {
      answer = (_request, response) => response.writeHead(404).end();
      await assert.rejects(fetchArchive(url, temp('a.tar'), { settings: quick }), {
        code: 'archive-refused',
        message: /404/,
      });
      assert.equal(requests.length, 1);
      answer = (_request, response) => response.writeHead(503).end();
      await assert.rejects(fetchArchive(url, temp('a.tar'), { settings: quick }), {
        code: 'archive-refused',
      });
      assert.equal(requests.length, 1 + quick.attempts);
    });
  });
});

function versionName({ sha256 }: { readonly sha256: string }, place = 'bundle'): string {
  return `${place}@${sha256.slice(0, 12)}`;
}

/** A server that answers range requests (RFC 9110). */
function serve(etag: string) {
  return (request: IncomingMessage, response: ServerResponse, data: Buffer): void => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from > 0 && request.headers['if-range'] === etag) {
      const part = data.subarray(from);
      const range = `bytes ${from}-${data.length - 1}/${data.length}`;
      response.writeHead(206, { etag, 'content-length': part.length, 'content-range': range }).end(part);
    } else {
      response.writeHead(200, { etag, 'content-length': data.length }).end(data);
    }
  };
}
