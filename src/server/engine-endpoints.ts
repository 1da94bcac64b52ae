import type { FastifyInstance } from 'fastify';
import { type EngineSocket, listenOnSocket, listenOnTcp, watchSocket } from './http/listen';
import { createHttpServer, type HttpServerOptions } from './http-server';
import { watchPackage } from './watch-package';

/** The socket and the port at which an engine answers, with what makes them useless. */
export class EngineEndpoints {
  /** @param reason why the engine ends */
  readonly #onEnd: (reason: string) => void;
  readonly #apps: FastifyInstance[] = [];
  readonly #watches: (() => void)[] = [];
  #socket: EngineSocket | undefined;

  constructor(onEnd: (reason: string) => void) {
    this.#onEnd = onEnd;
  }

  /** For the clients of this machine, which share the engine and start it. @throws SmolvlmError `engine-running`, `engine-listen`, `runtime-dir` */
  async openSocket(http: HttpServerOptions, path: string): Promise<void> {
    const { version } = http;
    const app = createHttpServer({
      ...http,
      onDrain: () =>
        this.#onEnd('a newer client replaces this engine: it finishes what it has begun and ends'),
    });
    this.#apps.push(app);
    this.#socket = await listenOnSocket(app, path);
    this.#watches.push(
      watchSocket(this.#socket, () =>
        this.#onEnd(`${path} was removed or replaced: the engine ends, and clients start another`),
      ),
      watchPackage(version, (found) =>
        this.#onEnd(`version ${version} of this package was replaced by ${found ?? 'none'}: the engine ends`),
      ),
    );
  }

  /** @returns the address @throws SmolvlmError `engine-listen` */
  async openPort(http: HttpServerOptions, host: string, port: number): Promise<string> {
    const app = createHttpServer(http);
    this.#apps.push(app);
    return await listenOnTcp(app, host, port);
  }

  /** Frees the socket and the port for another engine; what has arrived is still answered. */
  stopListening(): void {
    for (const unwatch of this.#watches.splice(0)) unwatch();
    this.#socket?.remove();
    this.#socket = undefined;
    for (const app of this.#apps) app.server.close();
  }

  /** Closes the connections as well. */
  async close(): Promise<void> {
    this.stopListening();
    for (const app of this.#apps.splice(0)) await app.close();
  }
}
