import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Endpoint } from './engine-http';

/** Shorter than an engine keeps an idle connection: 72 s. */
const idleMs = 20_000;

/** Few requests run at a time; another connection is made when one is needed. */
const mostIdle = 4;

const agents = new WeakMap<Endpoint, HttpAgent>();

/**
 * Keeps the connections to an engine between requests, until `closeConnections`: on a small machine a new connection adds
 * about a millisecond to a caption, with TLS several. Idle connections do not keep the process running.
 */
export function keepConnections(endpoint: Endpoint): void {
  const isHttps = 'url' in endpoint && endpoint.url.protocol === 'https:';
  const options = { keepAlive: true, maxFreeSockets: mostIdle, timeout: idleMs, scheduling: 'lifo' } as const;
  // Each connection shows its certificate.
  const agent = isHttps ? new HttpsAgent({ ...options, maxCachedSessions: 0 }) : new HttpAgent(options);
  agents.set(endpoint, agent);
}

/** @returns false where no connection is kept: each request then makes its own, and closes it */
export function keptConnections(endpoint: Endpoint): HttpAgent | false {
  return agents.get(endpoint) ?? false;
}

/**
 * Closes the idle connections to an engine, and those of open requests once they are answered.
 * @param atOnce closes those of open requests at once, too
 */
export function closeConnections(endpoint: Endpoint, atOnce = false): void {
  const agent = agents.get(endpoint);
  if (!agent) return;
  agents.delete(endpoint);
  agent.maxFreeSockets = 0;
  if (atOnce) agent.destroy();
  else for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}
