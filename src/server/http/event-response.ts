import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import type { EventStream } from '../../engine/event-stream';
import { encodeEvent, heartbeatMs } from '../../protocol/ndjson';

/** Writes a stream's events as lines, no faster than the reader takes them; a reader who goes is noticed at once. */
export async function sendEvents(reply: FastifyReply, stream: EventStream): Promise<void> {
  await writeResponse(
    reply,
    (write, onGone) => {
      onGone(() => stream.leave());
      return (async () => {
        for await (const event of stream) await write(encodeEvent(event));
      })();
    },
    '\n',
  );
}

/** Writes one piece and waits until the peer has room for the next. */
export type Write = (text: string) => Promise<void>;

/**
 * Runs a response of many pieces.
 * @param heartbeat written whenever nothing was for a while
 */
export async function writeResponse(
  reply: FastifyReply,
  body: (write: Write, onGone: (listener: () => void) => void) => Promise<void>,
  heartbeat: string,
): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  const headers = reply.getHeaders();
  raw.writeHead(200, Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)));
  raw.flushHeaders();
  raw.on('error', () => {});
  const beat = setInterval(() => raw.writableNeedDrain || raw.write(heartbeat), heartbeatMs);
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  const write: Write = async (text) => {
    if (gone.signal.aborted || raw.write(text)) return;
    await once(raw, 'drain', { signal: gone.signal }).catch(() => {});
  };
  try {
    await body(write, (listener) =>
      gone.signal.aborted ? listener() : gone.signal.addEventListener('abort', listener, { once: true }),
    );
  } finally {
    clearInterval(beat);
    raw.end();
  }
}
