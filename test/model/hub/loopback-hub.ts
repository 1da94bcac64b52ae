import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { demoModel } from '../../fixtures';

export const commit = '0123456789abcdef0123456789abcdef01234567';

/** A request as the hub or its storage host received it. */
export interface SeenRequest {
  readonly host: 'hub' | 'storage';
  readonly method: string;
  readonly path: string;
  readonly authorization?: string;
  readonly range?: string;
}

/** Faults of the next requests for a file's bytes, one entry per request; later requests succeed. */
export type Fault =
  | { readonly kind: 'cut'; readonly afterBytes: number; readonly ignoreRange?: boolean }
  | { readonly kind: 'stall'; readonly afterBytes: number }
  | { readonly kind: 'corrupt' | 'ignore-range' | 'wrong-range' | 'too-long' }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Record<string, string> };

/**
 * A model hub with one repository, on a port of this machine. As the real hub does, it serves small files
 * itself and redirects to a second server for weights.
 */
export class LoopbackHub {
  /** Called when a response has sent what it sends before it stalls. */
  onStall: () => void = () => {};
  readonly seen: SeenRequest[] = [];
  readonly faults = new Map<string, Fault[]>();
  /** Sent instead of the listing. */
  listingFaults: Fault[] = [];
  /** The listing has no sizes and hashes, as that of a plain mirror. */
  bareListing = false;
  requiredToken: string | undefined;
  /** Milliseconds between two blocks of 64 KiB. */
  throttleMs = 0;
  endpoint = '';
  readonly #servers: Server[] = [];
  #storage = '';

  constructor(
    readonly files: ReadonlyMap<string, Buffer>,
    /** Of the repository. */
    readonly id = 'ORG/NAME',
  ) {}

  async start(): Promise<void> {
    this.#storage = await this.#listen((request, response) => this.#serveStorage(request, response));
    this.endpoint = await this.#listen((request, response) => this.#serveHub(request, response));
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  async #listen(serve: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server = createServer(serve);
    this.#servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  #note(host: SeenRequest['host'], { method = '', url = '', headers }: IncomingMessage): void {
    const { authorization, range } = headers;
    this.seen.push({
      host,
      method,
      path: url,
      ...(authorization && { authorization }),
      ...(range && { range }),
    });
  }

  #serveHub(request: IncomingMessage, response: ServerResponse): void {
    this.#note('hub', request);
    const { pathname } = new URL(request.url ?? '', this.endpoint);
    if (this.requiredToken && request.headers.authorization !== `Bearer ${this.requiredToken}`) {
      response.writeHead(401, { 'x-error-message': 'Invalid username or password.' }).end();
      return;
    }
    const listing = `/api/models/${this.id}/revision/`;
    if (pathname.startsWith(listing)) {
      this.#serveListing(decodeURIComponent(pathname.slice(listing.length)), response);
      return;
    }
    const resolve = `/${this.id}/resolve/`;
    const path = pathname.startsWith(resolve) ? pathname.slice(resolve.length) : '';
    const name = path.slice(path.indexOf('/') + 1);
    const content = this.files.get(name);
    if (!content) response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end();
    else if (name.endsWith('.safetensors')) {
      const location = `${this.#storage}/blobs/${name}?signature=1`;
      const linked = { 'x-linked-size': content.length, 'x-linked-etag': `"${sha256(content)}"` };
      response.writeHead(302, { location, ...linked }).end();
    } else this.#serveContent(name, content, request, response);
  }

  #serveListing(revision: string, response: ServerResponse): void {
    const fault = this.listingFaults.shift();
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, fault.headers).end();
    } else if (revision !== 'main' && revision !== commit) {
      response.writeHead(404, { 'x-error-code': 'RevisionNotFound' }).end();
    } else {
      const siblings = [...this.files].map(([rfilename, content]) =>
        this.bareListing
          ? { rfilename }
          : {
              rfilename,
              size: content.length,
              blobId: gitBlob(content),
              ...(rfilename.endsWith('.safetensors') && { lfs: { sha256: sha256(content) } }),
            },
      );
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ id: this.id, sha: commit, siblings }));
    }
  }

  #serveStorage(request: IncomingMessage, response: ServerResponse): void {
    this.#note('storage', request);
    const name = new URL(request.url ?? '', this.#storage).pathname.replace('/blobs/', '');
    const content = this.files.get(name);
    if (content) this.#serveContent(name, content, request, response);
    else response.writeHead(404).end();
  }

  #serveContent(name: string, content: Buffer, request: IncomingMessage, response: ServerResponse): void {
    const fault = request.method === 'GET' ? this.faults.get(name)?.shift() : undefined;
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, fault.headers).end();
      return;
    }
    const whole = fault?.kind === 'ignore-range' || (fault?.kind === 'cut' && fault.ignoreRange);
    const range = whole ? undefined : request.headers.range;
    let begin = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (fault?.kind === 'wrong-range') begin++;
    let body = content.subarray(begin);
    if (fault?.kind === 'corrupt') body = Buffer.from(body).fill(0, 0, 1);
    if (fault?.kind === 'too-long') body = Buffer.concat([body, Buffer.alloc(9)]);
    response.setHeader('etag', `"${gitBlob(content)}"`);
    response.setHeader('content-length', body.length);
    if (range) response.setHeader('content-range', `bytes ${begin}-${content.length - 1}/${content.length}`);
    response.writeHead(range ? 206 : 200);
    if (request.method === 'HEAD') response.end();
    else if (fault?.kind === 'cut')
      // Ended, not reset: a reset would drop bytes that the client has not read yet.
      response.write(body.subarray(0, fault.afterBytes), () => request.socket.end());
    else if (fault?.kind === 'stall')
      response.write(body.subarray(0, fault.afterBytes), () => this.onStall());
    else void this.#send(body, response);
  }

  async #send(body: Buffer, response: ServerResponse): Promise<void> {
    for (let at = 0; at < body.length && this.throttleMs > 0; at += 65536) {
      response.write(body.subarray(at, at + 65536));
      await new Promise((done) => setTimeout(done, this.throttleMs));
    }
    response.end(this.throttleMs > 0 ? undefined : body);
  }
}

/** Computes a file's checksum once, not once a request. */
function remembered(compute: (content: Buffer) => string): (content: Buffer) => string {
  const known = new WeakMap<Buffer, string>();
  return (content) => {
    const sum = known.get(content) ?? compute(content);
    known.set(content, sum);
    return sum;
  };
}

const sha256 = remembered((content) => createHash('sha256').update(content).digest('hex'));

const gitBlob = remembered((content) =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex'),
);

let demo: ReadonlyMap<string, Buffer> | undefined;

/** The demo model's files by name, read once a process. */
export function demoModelFiles(): ReadonlyMap<string, Buffer> {
  demo ??= new Map(readdirSync(demoModel).map((name) => [name, readFileSync(join(demoModel, name))]));
  return demo;
}
