// A TCP proxy whose network can be cut: it forwards nothing, and closes nothing.
import { connect, createServer } from 'node:net';

export class CutProxy {
  #server;
  #sockets = new Set();
  #isCut = false;

  /** @param port where the connections go to */
  static async start(port) {
    const proxy = new CutProxy();
    proxy.#server = createServer((from) => proxy.#join(from, connect(port, '127.0.0.1')));
    await new Promise((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url() {
    return `nats://127.0.0.1:${this.#server.address().port}`;
  }

  cut() {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  mend() {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #join(one, other) {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ]) {
      this.#sockets.add(from);
      from.on('data', (data) => to.write(data));
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#isCut) from.pause();
    }
  }
}
