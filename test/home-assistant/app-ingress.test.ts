import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../fixtures';
import { serveFake } from '../server/served-fake';

interface Ingress {
  createIngress(socketPath: string, callers?: readonly string[]): Server;
}

describe("Home Assistant's app, its page behind ingress", () => {
  let directory: string;
  let module_: Ingress;
  let server: Server | undefined;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
    const path = join(repositoryRoot, 'home-assistant/smolvlm/rootfs/opt/smolvlm-app/ingress.mjs');
    module_ = await import(pathToFileURL(path).href);
  });
  afterEach(() => server?.close());
  after(() => rmSync(directory, { recursive: true }));

  async function listen(socketPath: string, callers?: readonly string[]): Promise<string> {
    server = module_.createIngress(socketPath, callers).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('shows the status page and what it loads, and passes on nothing else', async () => {
    const socketPath = join(directory, 'engine.sock');
    const engine = await serveFake({ socketPath });
    try {
      const url = await listen(socketPath, ['127.0.0.1']);
      const page = await fetch(`${url}/`);
      assert.match(await page.text(), /fetch\('v1\/status'/);
      assert.match(page.headers.get('content-security-policy') ?? '', /frame-ancestors 'self'/);
      const status = (await (await fetch(`${url}/v1/status`)).json()) as { state: string };
      assert.equal(status.state, 'ready');
      assert.equal((await fetch(`${url}/v1/models`)).status, 404);
      assert.equal((await fetch(`${url}/v1/frames/describe`, { method: 'POST' })).status, 404);
    } finally {
      await engine.close();
    }
  });

  it('refuses every caller but the Supervisor', async () => {
    const url = await listen(join(directory, 'none.sock'));
    assert.equal((await fetch(`${url}/`)).status, 403);
  });

  it('says that the engine is starting while there is none', async () => {
    const url = await listen(join(directory, 'none.sock'), ['127.0.0.1']);
    const answer = await fetch(`${url}/`);
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /starting/);
  });
});
