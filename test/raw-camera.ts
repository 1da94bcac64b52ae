import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer, type TlsOptions } from 'node:tls';
import { afterEach, beforeEach } from 'mocha';
import type { CameraAccess } from '../src/picture/camera/camera-access';
import { fetchPictureWith } from '../src/picture/fetch-picture';
import { defaultPictureLimits } from '../src/picture/picture-limits';

export interface RawRequest {
  readonly url: string;
  readonly authorization: string;
  readonly cookie: string;
}

/** What a camera sends back: bytes, after which it closes, or what it does with the connection. */
export type RawAnswer = string | Buffer | ((socket: Socket) => void);

const probePath = '/probe';

/** A server that writes its answers byte for byte, as no HTTP server would. */
export class RawCamera {
  readonly requests: RawRequest[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #scheme: string;
  answer: (request: RawRequest) => RawAnswer = () => '';

  constructor(tls?: TlsOptions) {
    const serve = (socket: Socket): void => this.#serve(socket);
    this.#server = tls ? createSecureServer(tls, serve) : createServer(serve);
    this.#scheme = tls ? 'https' : 'http';
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = '/snap'): URL {
    return new URL(`${this.#scheme}://127.0.0.1:${this.port}${path}`);
  }

  /** Resolves when a request sent now has been answered: what was sent before has arrived. It is not counted. */
  async probed(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const probe = connect(this.port, '127.0.0.1', () => probe.write(`GET ${probePath} HTTP/1.1\r\n\r\n`));
      probe
        .on('error', reject)
        .on('close', () => resolve())
        .resume();
    });
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    let head = '';
    socket.on('data', (chunk) => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      const url = head.split(' ')[1] ?? '';
      const authorization = /^authorization: (.*)\r$/im.exec(head)?.[1] ?? '';
      const cookie = /^cookie: (.*)\r$/im.exec(head)?.[1] ?? '';
      head = '';
      if (url === probePath) {
        socket.end();
        return;
      }
      const request = { url, authorization, cookie };
      this.requests.push(request);
      const answer = this.answer(request);
      if (typeof answer === 'function') answer(socket);
      else socket.end(answer, 'latin1');
    });
  }
}

/** A response's head as written, and its body. */
export function raw(head: string, body: Uint8Array | string = ''): Buffer {
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body as string)]);
}

/** A whole picture as a well-behaved camera sends it. */
export function rawPicture(bytes: Uint8Array, headers = ''): Buffer {
  const length = `Content-Length: ${bytes.length}\r\n`;
  return raw(
    `HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n${length}${headers}Connection: close\r\n\r\n`,
    bytes,
  );
}

/** A refusal with challenges. */
export function rawUnauthorized(...challenges: readonly string[]): string {
  const headers = challenges.map((challenge) => `WWW-Authenticate: ${challenge}\r\n`).join('');
  return `HTTP/1.1 401 Unauthorized\r\n${headers}Content-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
}

/** Gives each test of the suite its own camera. @returns the test's own */
export function useRawCamera(): () => RawCamera {
  let camera: RawCamera;
  beforeEach(async () => {
    camera = new RawCamera();
    await camera.listen();
  });
  afterEach(() => camera.close());
  return () => camera;
}

/** What `fetchPicture` gives for an address of a camera. */
export function fetchedFrom(camera: RawCamera, access: CameraAccess = {}, path = '/snap', timeoutMs = 5000) {
  return fetchPictureWith(camera.url(path), { ...defaultPictureLimits, fetchTimeoutMs: timeoutMs }, access);
}
