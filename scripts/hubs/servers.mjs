// One nats-server, or a cluster of three on loopback.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const { NatsServer } = require('../../dist/src/cli/bench/hubs/nats-server.js');
const { openNats } = require('../../dist/src/nats/nats-connection.js');
const { parseNatsAddress } = require('../../dist/src/nats/nats-address.js');
const { freePort } = require('../../dist/src/system/free-port.js');

/** @returns servers that form a cluster if they are several, once streams can be made */
export async function startServers(folder, count) {
  if (count === 1) return [await NatsServer.start({ folder: join(folder, 'nats') })];
  const ports = [];
  while (ports.length < count) ports.push(await freePort());
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
  const servers = await Promise.all(
    ports.map((port, index) =>
      NatsServer.start({
        folder: join(folder, `nats-${index}`),
        config: [
          `server_name: "server-${index}"`,
          `cluster { name: "queue", listen: "127.0.0.1:${port}", routes: [${routes}] }`,
        ].join('\n'),
      }),
    ),
  );
  await until(async () => {
    const { connection, manager } = await openNats(parseNatsAddress(urlOf(servers)), 'cluster');
    // Refused until the servers have chosen a leader.
    const streams = await manager.streams.list().next();
    await connection.close();
    return streams;
  }, 'a cluster');
  return servers;
}

export function urlOf(servers) {
  return servers.map(({ url }) => url).join(',');
}

/** Waits until something is true; errors count as not yet. */
export async function until(check, what, seconds = 60) {
  const limit = performance.now() + seconds * 1000;
  let last;
  while (performance.now() < limit) {
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    await delay(100);
  }
  throw new Error(`no ${what} within ${seconds} s`, { cause: last });
}
