import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort, freePorts } from '../../src/system/free-port';

describe('freePort', () => {
  it('gives ports below those of connections, each once', async () => {
    const ports = await Promise.all(Array.from({ length: 300 }, freePort));
    assert.equal(new Set(ports).size, 300);
    assert.ok(ports.every((port) => port >= freePorts.first && port < freePorts.end));
  });

  it('gives a port that can be listened on', async () => {
    const server = createServer().listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    server.close();
  });
});
