import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { listenOnSocket } from '../../../src/server/http/listen';
import { serveFake } from '../served-fake';

describe("an engine's unix socket", () => {
  let directory: string;
  let path: string;
  let apps: FastifyInstance[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
    path = join(directory, 'engine.sock');
    apps = [];
  });
  afterEach(async () => {
    for (const app of apps) await app.close();
    rmSync(directory, { recursive: true });
  });

  function server(name: string): FastifyInstance {
    const app = fastify();
    app.get('/', async () => name);
    apps.push(app);
    return app;
  }

  /** What the server at the path answers. */
  function answer(): Promise<string> {
    return new Promise((resolve, reject) => {
      const get = request({ socketPath: path, path: '/', agent: false }, (response) => {
        response.setEncoding('utf8').once('data', resolve);
      });
      get.once('error', reject);
      get.end();
    });
  }

  it('is left alone by an engine that ends when another engine has replaced it', async () => {
    const first = server('first');
    const old = await listenOnSocket(first, path);
    rmSync(path);
    const second = server('second');
    const present = await listenOnSocket(second, path);
    assert.deepEqual([old.isOurs(), present.isOurs()], [false, true]);
    old.remove();
    await first.close();
    assert.equal(await answer(), 'second');
    present.remove();
    assert.deepEqual(readdirSync(directory), []);
  });

  it('is removed by a served engine that ends, before another can take the path', async () => {
    const served = await serveFake({ socketPath: path });
    const closed = served.close();
    assert.ok(!existsSync(path));
    await listenOnSocket(server('successor'), path);
    await closed;
    assert.equal(await answer(), 'successor');
  });

  it('takes the place of a socket that no engine answers on, open to this user only', async () => {
    const dead = server('dead');
    await listenOnSocket(dead, path);
    await dead.close();
    assert.ok(existsSync(path));
    await listenOnSocket(server('alive'), path);
    assert.equal(await answer(), 'alive');
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('does not change the permissions of its folder', async () => {
    chmodSync(directory, 0o755);
    await listenOnSocket(server('a'), path);
    assert.equal(statSync(directory).mode & 0o777, 0o755);
  });

  it('is refused at a path that another file has, and at one that is too long', async () => {
    writeFileSync(path, 'a file');
    await assert.rejects(listenOnSocket(server('a'), path), { code: 'engine-listen' });
    assert.ok(existsSync(path));
    const long = join(directory, 'x'.repeat(108));
    await assert.rejects(listenOnSocket(server('b'), long), {
      code: 'engine-listen',
      message: /at most 107/,
    });
  });
});
