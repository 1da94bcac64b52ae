import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { keptPictures } from '../../browser/photographs';
import { demoFrame } from '../../fixtures';
import { demoModelFiles, LoopbackHub } from '../../model/hub/loopback-hub';

/** What a home has beside Node-RED: a camera, a phone, and a model hub that gives the demo model the real one's name. */
export class HomeServices {
  readonly told: { readonly message: string; readonly body: Buffer }[] = [];
  frame = 'frame_05_porch_day.jpg';
  readonly #server: Server;

  private constructor(readonly hub: LoopbackHub) {
    this.#server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://home');
      if (pathname === '/snapshot.jpg') {
        response.end(readFileSync(demoFrame(this.frame)));
        return;
      }
      void buffer(request).then((body) => {
        this.told.push({ message: searchParams.get('message') ?? body.toString(), body });
        response.end('{}');
      });
    });
  }

  static async start(model: string): Promise<HomeServices> {
    const home = new HomeServices(new LoopbackHub(demoModelFiles(), model));
    await home.hub.start();
    home.#server.listen(0, '127.0.0.1');
    await once(home.#server, 'listening');
    return home;
  }

  get camera(): string {
    return `${this.#url}/snapshot.jpg`;
  }

  get phone(): string {
    return `${this.#url}/phone`;
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.hub.stop();
  }
}

/**
 * Where a test's photographs go: a folder of `SMOLVLM_PICTURES`, which stays, or of the suite, which does not.
 * @param name of the folder
 */
export function pictureFolder(suite: string, name: string): string {
  const folder = join(keptPictures ?? join(suite, 'pictures'), name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
