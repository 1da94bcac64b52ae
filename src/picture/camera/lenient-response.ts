/** An HTTP response as its head describes it. Header names are in lower case; a header that came twice has two values. */
export interface LenientResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Without the chunks' frames; up to the end of the connection, whatever Content-Length says. */
  readonly body: AsyncGenerator<Buffer, void>;
}

const longestHead = 64 * 1024;
const longestChunkLine = 256;

/**
 * Reads an HTTP response as cameras send it. Node's parser, its `insecureHTTPParser` included, refuses a header line
 * without a name, a second Content-Length, a Content-Length that is not a number, chunks without their frames, a body
 * without a head and `ICY 200 OK`. Here a line without a name is left out, lines may end with LF only, blank lines may
 * precede the status, and what is not a head at all is a body.
 * @param source the bytes of one connection, which carries one response
 * @throws Error if the connection ends within the head, or the head is too long
 */
export async function readResponse(source: AsyncIterator<Uint8Array>): Promise<LenientResponse> {
  const reader = new ByteReader(source);
  let [status, statusText] = [200, ''];
  let lines: string[] = [];
  do {
    const first = await firstLine(reader);
    const found = /^[a-z]+(?:\/\d+(?:\.\d+)?)?\s+(\d{3})(?!\d)\s*(.*)$/i.exec(first);
    // HTTP/0.9: the body, and nothing before it.
    if (!found) return { status, statusText, headers: new Map(), body: reader.rest() };
    await reader.line(longestHead);
    [status, statusText] = [Number(found[1]), (found[2] ?? '').trim()];
    lines = await headerLines(reader);
  } while (status >= 100 && status < 200);
  const headers = parseHeaders(lines);
  // These have no body (RFC 9110, 15.3.5 and 15.4.5), also where the connection stays open.
  if (status === 204 || status === 304) return { status, statusText, headers, body: emptyBody() };
  const isChunked = (headers.get('transfer-encoding') ?? []).some((value) => /chunked/i.test(value));
  return { status, statusText, headers, body: isChunked ? dechunked(reader) : reader.rest() };
}

async function* emptyBody(): AsyncGenerator<Buffer, void> {}

/** The line that should be the status, still unread. */
async function firstLine(reader: ByteReader): Promise<string> {
  for (;;) {
    const line = await reader.peekLine(longestHead);
    if (line === undefined) throw new Error('the connection closed without an answer');
    if (line.trim() !== '') return line;
    await reader.line(longestHead);
  }
}

async function headerLines(reader: ByteReader): Promise<string[]> {
  const lines: string[] = [];
  for (let length = 0; ; ) {
    // Some leave out the blank line before the picture.
    if ((await reader.peekLine(longestHead))?.startsWith('\xff\xd8\xff')) return lines;
    const line = await reader.line(longestHead);
    if (line === undefined || line === '') return lines;
    length += line.length;
    if (length > longestHead)
      throw new Error(`the headers of the answer are longer than ${longestHead} bytes`);
    if (/^[ \t]/.test(line) && lines.length > 0) lines.push(`${lines.pop()} ${line.trim()}`);
    else lines.push(line);
  }
}

function parseHeaders(lines: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colonAt = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colonAt)).trim().toLowerCase();
    if (name === '') continue;
    const value = line.slice(colonAt + 1).trim();
    headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  return headers;
}

const chunkSize = /^\s*(?:0x)?([\da-f]{1,8})\s*(?:;.*)?$/i;

async function* dechunked(reader: ByteReader): AsyncGenerator<Buffer, void> {
  for (let isFirst = true; ; isFirst = false) {
    const size = chunkSize.exec((await reader.peekLine(longestChunkLine)) ?? '')?.[1];
    if (size === undefined) {
      // Called chunked, and is not.
      if (isFirst) yield* reader.rest();
      else if (yield* beyondSize(reader)) continue;
      return;
    }
    await reader.line(longestChunkLine);
    let left = Number.parseInt(size, 16);
    if (left === 0) return;
    while (left > 0) {
      const bytes = await reader.take(left);
      if (bytes === undefined) return;
      left -= bytes.length;
      yield bytes;
    }
    if ((await reader.peekLine(longestChunkLine)) === '') await reader.line(longestChunkLine);
  }
}

/** The rest of a chunk that is longer than its size says. @returns whether the line of another chunk follows */
async function* beyondSize(reader: ByteReader): AsyncGenerator<Buffer, boolean> {
  for (let line = await reader.takeLine(); line !== undefined; line = await reader.takeLine()) {
    const next = await reader.peekLine(longestChunkLine);
    if (line.toString('latin1').endsWith('\r\n') && /^[\da-f]{1,8}$/i.test(next ?? '')) {
      yield line.subarray(0, -2);
      return true;
    }
    yield line;
  }
  return false;
}

class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #buffer = Buffer.alloc(0);
  #ended = false;

  constructor(source: AsyncIterator<Uint8Array>) {
    this.#source = source;
  }

  /** The line ahead without its end, left unread; the bytes up to `most` or the connection's end if it has none. */
  async peekLine(most: number): Promise<string | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf(0x0a);
      if (end >= 0 && end <= most) return this.#buffer.toString('latin1', 0, end).replace(/\r$/, '');
      // A picture without a head has no line to wait for.
      const isPicture = this.#buffer.length >= 3 && this.#buffer.readUIntBE(0, 3) === 0xffd8ff;
      if (end >= 0 || isPicture || this.#buffer.length > most || !(await this.#more())) {
        return this.#buffer.length === 0 ? undefined : this.#buffer.toString('latin1', 0, most);
      }
    }
  }

  /** As `peekLine`, read. */
  async line(most: number): Promise<string | undefined> {
    const line = await this.peekLine(most);
    const end = this.#buffer.indexOf(0x0a);
    this.#buffer = this.#buffer.subarray(
      end >= 0 && end <= most ? end + 1 : Math.min(most, this.#buffer.length),
    );
    return line;
  }

  /** Up to `most` bytes; undefined at the end. */
  async take(most: number): Promise<Buffer | undefined> {
    if (this.#buffer.length === 0 && !(await this.#more())) return undefined;
    const bytes = this.#buffer.subarray(0, most);
    this.#buffer = this.#buffer.subarray(bytes.length);
    return bytes;
  }

  /** What is there up to the next line's end, with that; undefined at the end. */
  async takeLine(): Promise<Buffer | undefined> {
    if (this.#buffer.length === 0 && !(await this.#more())) return undefined;
    const end = this.#buffer.indexOf(0x0a);
    return this.take(end < 0 ? this.#buffer.length : end + 1);
  }

  async *rest(): AsyncGenerator<Buffer, void> {
    for (;;) {
      const bytes = await this.take(Number.MAX_SAFE_INTEGER);
      if (bytes === undefined) return;
      yield bytes;
    }
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const { done, value } = await this.#source.next();
    if (done) this.#ended = true;
    else this.#buffer = this.#buffer.length === 0 ? Buffer.from(value) : Buffer.concat([this.#buffer, value]);
    return !this.#ended;
  }
}
