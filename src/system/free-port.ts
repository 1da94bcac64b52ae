import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Where free ports are looked for: Linux and macOS give none of them to a connection, or to a server that asks for any.
 */
export const freePorts = { first: 10_000, end: 32_768 } as const;

/** Given by this process; another program may need long to open its port. */
const given = new Set<number>();

/** A TCP port on loopback that nothing uses now. It is given once, until all of them have been. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(freePorts.first, freePorts.end);
    if (given.has(port)) continue;
    given.add(port);
    if (given.size === freePorts.end - freePorts.first) given.clear();
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}
