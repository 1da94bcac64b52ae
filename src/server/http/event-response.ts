import { once } from 'node:events';
import type { Socket } from 'node:net';
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

/** For each connection: what is called back when it is lost. */
const lostCallbacks = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back once when a reply has been sent, or its peer has disconnected before, also when it has already. The reply to
 * a request that was sent before the one ahead was answered has no connection yet: Node.js does not tell it of the end.
 */
export function onReplyClosed({ raw, request }: FastifyReply, callback: () => void): void {
  const { socket } = request.raw;
  if (raw.destroyed || socket.destroyed) {
    callback();
    return;
  }
  const callbacks = lostCallbacks.get(socket) ?? watchSocket(socket);
  const closed = (): void => {
    callbacks.delete(closed);
    raw.off('close', closed);
    callback();
  };
  callbacks.add(closed);
  raw.once('close', closed);
}

/** One listener for each connection, however many requests it has. */
function watchSocket(socket: Socket): Set<() => void> {
  const callbacks = new Set<() => void>();
  lostCallbacks.set(socket, callbacks);
  socket.once('close', () => {
    for (const closed of callbacks) closed();
  });
  return callbacks;
}

/** Aborted when the peer disconnects before its response has ended, also when it has already. */
export function peerGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  onReplyClosed(reply, () => gone.abort());
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
