import { createServer, request } from 'node:http';

/** The Supervisor's address; it has checked the user's login before a request comes from it. */
export const supervisorAddress = '172.30.32.2';

/** What the status page loads. Nothing that changes the engine is passed on. */
const paths = new Set(['/', '/health', '/v1/status']);

/**
 * Passes the engine's status page on to Home Assistant's ingress.
 * @param socketPath of the engine
 * @param callers addresses that may ask
 */
export function createIngress(socketPath, callers = [supervisorAddress]) {
  return createServer((incoming, outgoing) => {
    const refuse = (status, words) => {
      outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${words}\n`);
    };
    const caller = (incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    if (!callers.includes(caller)) return refuse(403, 'Open this page in Home Assistant.');
    const path = (incoming.url ?? '').split('?')[0] ?? '';
    if (incoming.method !== 'GET' || !paths.has(path)) return refuse(404, 'There is no such page.');
    const upstream = request(
      { socketPath, path, headers: { host: 'localhost' }, timeout: 10_000 },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    upstream.on('timeout', () => upstream.destroy(new Error('timeout')));
    upstream.on('error', () => {
      if (outgoing.headersSent) outgoing.destroy();
      else refuse(503, 'The engine is starting. The first start downloads the model: see the log.');
    });
    outgoing.on('close', () => upstream.destroy());
    upstream.end();
  });
}
