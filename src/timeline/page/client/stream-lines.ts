import type { LiveMessage } from './timeline-client';

/** The lines of a stream of UTF-8, without their ends; an unfinished last line is left out. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let pending = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (pending + decoder.decode(value, { stream: true })).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) yield line.replace(/\r$/, '');
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** The messages of a `text/event-stream`, which `EventSource` cannot open with a token. */
export async function* eventsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<LiveMessage> {
  let event = 'message';
  let data: string[] = [];
  for await (const line of linesOf(stream)) {
    if (line === '') {
      if (data.length > 0) yield { event, data: data.join('\n') };
      event = 'message';
      data = [];
    } else if (!line.startsWith(':')) {
      const [field = '', value = ''] = line.split(/: ?(.*)/s);
      if (field === 'event') event = value;
      if (field === 'data') data.push(value);
    }
  }
}
