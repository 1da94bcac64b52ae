import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import type { EventStream } from '../../engine/event-stream';
import { encodeEvent, heartbeatMs } from '../../protocol/ndjson';

/** Writes a stream's events as lines, no faster than the peer reads them; leaves the stream when the peer disconnects. */
export async function sendEvents(reply: FastifyReply, stream: EventStream): Promise<void> {
  try {
    await writeResponse(
      reply,
      async (write, gone) => {
        leaveWhenGone(stream, gone);
        for await (const event of stream) await write(encodeEvent(event));
      },
      '\n',
    );
  } finally {
    stream.leave();
  }
}

/** Aborted when the peer disconnects before its response has ended, also when it has already. */
export function peerGone({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  if (raw.destroyed || raw.socket?.destroyed === true) gone.abort();
  else raw.once('close', () => gone.abort());
  return gone.signal;
}

export function leaveWhenGone(stream: EventStream, gone: AbortSignal): void {
  if (gone.aborted) stream.leave();
  else gone.addEventListener('abort', () => stream.leave(), { once: true });
}

/** Writes one piece and waits until the peer has room for the next; does nothing once the peer is gone. */
export type Write = (text: string) => Promise<void>;

/**
 * Sends a response piece by piece, until `body` has settled.
 * @param heartbeat written whenever nothing else was for a while
 */
export async function writeResponse(
  reply: FastifyReply,
  body: (write: Write, gone: AbortSignal) => Promise<void>,
  heartbeat: string,
): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  const headers = reply.getHeaders();
  raw.writeHead(200, Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)));
  raw.on('error', () => {});
  // With the first piece, unless that comes later.
  const flushing = setImmediate(() => raw.flushHeaders());
  const beat = setInterval(() => raw.writableNeedDrain || raw.write(heartbeat), heartbeatMs);
  const gone = peerGone(reply);
  const write: Write = async (text) => {
    if (gone.aborted || raw.write(text)) return;
    await once(raw, 'drain', { signal: gone }).catch(() => {});
  };
  try {
    await body(write, gone);
  } finally {
    clearInterval(beat);
    clearImmediate(flushing);
    raw.end();
  }
}
