import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Endpoint } from './engine-http';

/** Shorter than an engine keeps an idle connection: 72 s. */
const idleMs = 30_000;

/** Requests at a time are few; a connection more is made when one is needed. */
const mostIdle = 4;

const agents = new WeakMap<Endpoint, HttpAgent>();

/**
 * The connections to an engine that are kept between requests: making one takes a caption on a small machine about a
 * millisecond, with TLS several. Idle ones do not keep the process running.
 */
export function keptConnections(endpoint: Endpoint): HttpAgent {
  let agent = agents.get(endpoint);
  if (!agent) {
    const isHttps = 'url' in endpoint && endpoint.url.protocol === 'https:';
    const options = {
      keepAlive: true,
      maxFreeSockets: mostIdle,
      timeout: idleMs,
      scheduling: 'lifo',
    } as const;
    // Each connection shows its certificate.
    agent = isHttps ? new HttpsAgent({ ...options, maxCachedSessions: 0 }) : new HttpAgent(options);
    agents.set(endpoint, agent);
  }
  return agent;
}

/** Closes the idle connections to an engine at once, and those of open requests once they are answered. */
export function closeConnections(endpoint: Endpoint): void {
  const agent = agents.get(endpoint);
  if (!agent) return;
  agents.delete(endpoint);
  agent.maxFreeSockets = 0;
  for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}
