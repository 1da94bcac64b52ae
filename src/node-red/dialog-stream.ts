import type { ServerResponse } from 'node:http';
import { eventStreamType, heartbeatMs } from '../protocol/ndjson';

/** Writes one event as a line. */
export type SendLine = (event: object) => void;

/**
 * Answers the request of an open dialog with events, a line for each, while work goes on.
 * @param work must not reject; its signal aborts when the dialog closes the connection
 */
export async function streamToDialog(
  response: ServerResponse,
  work: (send: SendLine, gone: AbortSignal) => Promise<void>,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  // Headers at once, then heartbeats: a proxy may close a silent connection.
  response.writeHead(200, { 'content-type': eventStreamType, 'cache-control': 'no-store' });
  response.flushHeaders();
  const heartbeat = setInterval(() => response.write('\n'), heartbeatMs);
  try {
    await work((event) => void response.write(`${JSON.stringify(event)}\n`), gone.signal);
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}
