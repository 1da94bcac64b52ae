import { parentPort, workerData } from 'node:worker_threads';
import { errorBody } from '../../errors';
import type { TimelineAnswer } from '../timeline-entry';
import type { TimelineQuery } from '../timeline-store';
import { sqliteLibrary } from './sqlite-library';
import type { Addition } from './timeline-database';
import { TimelineKeeper } from './timeline-keeper';
import type { FromThread, ThreadSetup, ToThread } from './timeline-messages';

// The timeline's thread: SQLite's calls block it, and nothing else.

const port = parentPort;
if (!port) throw new Error('timeline-thread.js runs as a worker thread');
const post = (message: FromThread): void => port.postMessage(message);

const maintenanceMs = 60_000;

let keeper: TimelineKeeper;
const waiting: { readonly job: number; readonly addition: Addition }[] = [];
let flushing = false;

/** Entries that arrive while others are written are kept together, with one write to the disk. */
function flush(): void {
  flushing = false;
  while (waiting.length > 0) {
    const results = keeper.add(waiting.map(({ addition }) => addition));
    const done = waiting.splice(0, results.length);
    for (const [index, result] of results.entries()) {
      const { job } = done[index] as { job: number };
      if ('error' in result) post({ job, error: errorBody(result.error) });
      else {
        post({ added: result.entry });
        post({ job, value: result.entry.id });
      }
    }
  }
}

function answer(method: string, values: readonly unknown[]): unknown {
  const [value] = values;
  switch (method) {
    case 'search':
      return keeper.read((reader) => reader.search((value ?? {}) as TimelineQuery));
    case 'addAnswer':
      return keeper.addAnswer(...(values as [number, string, TimelineAnswer]));
    case 'entry':
      return keeper.read((reader) => reader.entry(value as number));
    case 'picture':
      return keeper.read((reader) => reader.picture(value as number));
    case 'thumbnail':
      return keeper.read((reader) => reader.thumbnail(value as number));
    case 'remove':
      return keeper.remove(value as readonly number[]);
    case 'cameras':
      return keeper.read((reader) => reader.cameras());
    case 'days':
      return keeper.read((reader) => reader.days((value as { camera?: string } | undefined)?.camera));
    case 'summary':
      return keeper.read((reader) => reader.summary(value as { from: number; to: number }));
    case 'statistics':
      return keeper.statistics();
    default:
      throw new Error(`the timeline has no method ${method}`);
  }
}

function maintain(): void {
  let more = false;
  try {
    more = keeper.maintain();
  } catch (error) {
    post({ trouble: errorBody(error) });
  }
  setTimeout(maintain, more ? 20 : maintenanceMs).unref();
}

port.on('message', (message: ToThread) => {
  if ('close' in message) {
    flush();
    keeper.close();
    port.close();
    return;
  }
  const { job, method, values } = message;
  if (method === 'add') {
    const [entry, pictures = {}] = values as [Addition['entry'], Addition['pictures']?];
    waiting.push({ job, addition: { entry, pictures } });
    if (!flushing) setImmediate(flush);
    flushing = true;
    return;
  }
  flush();
  try {
    post({ job, value: answer(method, values) });
  } catch (error) {
    post({ job, error: errorBody(error) });
  }
});

try {
  keeper = new TimelineKeeper(sqliteLibrary(), {
    ...(workerData as ThreadSetup),
    onTrouble: (error) => post({ trouble: errorBody(error) }),
  });
  post({ ready: true });
  setTimeout(maintain, 20).unref();
} catch (error) {
  post({ failed: errorBody(error) });
  port.close();
}
