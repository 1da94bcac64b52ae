import { SmolvlmError } from '../errors';
import type { EngineEvent, FinalEvent } from './events';
import { limits } from './limits';

/** Media type of an event stream; an empty line is a heartbeat. */
export const eventStreamType = 'application/x-ndjson';

/** An engine writes at least an empty line this often, so that a silent peer counts as gone. */
export const heartbeatMs = 5_000;

export function encodeEvent(event: EngineEvent): string {
  return `${JSON.stringify(event)}\n`;
}

export function isFinal(event: EngineEvent): event is FinalEvent {
  return (
    event.type === 'result' || event.type === 'features' || event.type === 'dropped' || event.type === 'error'
  );
}

/** Splits a byte stream, however it is divided into chunks, into lines of JSON objects. */
export class NdjsonDecoder {
  readonly #maxLineBytes: number;
  #parts: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(maxLineBytes: number = limits.eventLineBytes) {
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * @returns the objects that these bytes complete, without heartbeats
   * @throws SmolvlmError `protocol-line-too-long`, `protocol-bad-line`
   */
  push(bytes: Uint8Array): object[] {
    const objects: object[] = [];
    let rest = bytes;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      this.#keep(rest.subarray(0, end));
      const line = Buffer.concat(this.#parts).toString('utf8').trim();
      this.#parts = [];
      this.#pendingBytes = 0;
      if (line !== '') objects.push(parseLine(line));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > 0) this.#keep(rest);
    return objects;
  }

  #keep(bytes: Uint8Array): void {
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > this.#maxLineBytes) {
      throw new SmolvlmError(
        'protocol-line-too-long',
        `expected lines of at most ${this.#maxLineBytes} bytes, received ${this.#pendingBytes} bytes with no end of line`,
        { hint: 'Check that the address is that of a smolvlm engine.' },
      );
    }
    this.#parts.push(bytes);
  }
}

function parseLine(line: string): object {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw badLine(line, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badLine(line);
  return value;
}

function badLine(line: string, cause?: unknown): SmolvlmError {
  return new SmolvlmError(
    'protocol-bad-line',
    `expected a line with a JSON object, received "${line.slice(0, 80)}"`,
    { hint: 'Check that the address is that of a smolvlm engine.', cause },
  );
}

const eventTypes: ReadonlySet<unknown> = new Set<EngineEvent['type']>([
  'queued',
  'progress',
  'token',
  'result',
  'features',
  'dropped',
  'error',
]);

/** Whether the line is an event of this protocol version; other lines of newer engines are skipped. */
export function isEngineEvent(line: object): line is EngineEvent {
  return 'type' in line && eventTypes.has(line.type) && 'id' in line && typeof line.id === 'string';
}
