import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A proxy that shows a server below a path, and nothing else of it, as Home Assistant's ingress does. */
export interface Ingress {
  readonly url: string;
  /** Paths that were asked for outside of the one that is shown. */
  readonly strays: readonly string[];
  close(): Promise<void>;
}

/** @param target the server's address */
export async function openIngress(target: string): Promise<Ingress> {
  const prefix = '/api/hassio_ingress/a-token/';
  const strays: string[] = [];
  const pass = (incoming: IncomingMessage) => {
    const path = `/${(incoming.url ?? '').slice(prefix.length)}`;
    return request(new URL(path, target), { method: incoming.method, headers: incoming.headers });
  };
  const isStray = (path = ''): boolean => {
    if (path.startsWith(prefix)) return false;
    strays.push(path);
    return true;
  };
  const server = createServer((incoming, response) => {
    if (isStray(incoming.url)) {
      response.writeHead(404).end();
      return;
    }
    const outgoing = pass(incoming);
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
    if (isStray(incoming.url)) return void socket.destroy();
    const outgoing = pass(incoming);
    outgoing.on('upgrade', (answer, other) => {
      const headers = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join('\r\n')}\r\n\r\n`);
      other.pipe(socket).pipe(other);
      other.on('error', () => socket.destroy());
    });
    socket.on('error', () => outgoing.destroy());
    outgoing.on('error', () => socket.destroy());
    outgoing.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    strays,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
