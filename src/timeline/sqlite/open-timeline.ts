import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SmolvlmError } from '../../errors';
import type { TimelineStore } from '../timeline-store';
import type { RetentionSettings } from './retention';
import { SqliteTimeline } from './sqlite-timeline';
import type { ThreadSetup } from './timeline-messages';

interface Shared {
  readonly retention: RetentionSettings;
  readonly store: Promise<SqliteTimeline>;
  users: number;
}

const open = new Map<string, Shared>();
const closing = new Map<string, Promise<void>>();

/**
 * The timeline of a folder. All that open it in this process share it; it is closed when the last has closed it.
 * @throws SmolvlmError `timeline-…`
 */
export async function openTimeline(setup: ThreadSetup): Promise<TimelineStore> {
  const folder = resolve(setup.folder);
  await closing.get(folder);
  await leaveCrashed(folder);
  let shared = open.get(folder);
  if (shared && !isDeepStrictEqual(shared.retention, setup.retention)) {
    throw new SmolvlmError('timeline-in-use', `the timeline in ${folder} is open with other limits`, {
      hint: 'Set the same limits wherever this folder is used, or choose another folder.',
    });
  }
  if (!shared) {
    shared = {
      retention: setup.retention,
      store: SqliteTimeline.open({ ...setup, folder }),
      users: 0,
    };
    open.set(folder, shared);
  }
  const taken = shared;
  taken.users++;
  let store: SqliteTimeline;
  try {
    store = await taken.store;
  } catch (error) {
    leave(folder, taken);
    throw error;
  }
  return userOf(store, async () => {
    taken.users--;
    if (taken.users > 0) return;
    leave(folder, taken);
    const closed = store.close();
    closing.set(folder, closed);
    await closed.finally(() => closing.delete(folder));
  });
}

/** Forgets a timeline whose thread has crashed, so that the folder can be opened again. */
async function leaveCrashed(folder: string): Promise<void> {
  const shared = open.get(folder);
  const store = await shared?.store.catch(() => undefined);
  if (!shared || !store?.isClosed) return;
  leave(folder, shared);
  await store.close();
}

function leave(folder: string, shared: Shared): void {
  if (open.get(folder) === shared) open.delete(folder);
}

/** One user's view of a shared store: its `close` ends its listeners, and the store's when it is the last. */
function userOf(store: SqliteTimeline, release: () => Promise<void>): TimelineStore {
  const listening = new Set<() => void>();
  const listen = (end: () => void): (() => void) => {
    listening.add(end);
    return () => {
      listening.delete(end);
      end();
    };
  };
  let closed: Promise<void> | undefined;
  return {
    add: (entry, pictures) => store.add(entry, pictures),
    search: (query) => store.search(query),
    addAnswer: (id, question, answer) => store.addAnswer(id, question, answer),
    entry: (id) => store.entry(id),
    picture: (id) => store.picture(id),
    thumbnail: (id) => store.thumbnail(id),
    remove: (ids) => store.remove(ids),
    cameras: () => store.cameras(),
    days: (query) => store.days(query),
    summary: (range) => store.summary(range),
    statistics: () => store.statistics(),
    onAdded: (listener) => listen(store.onAdded(listener)),
    onTrouble: (listener) => listen(store.onTrouble(listener)),
    close: () => {
      closed ??= (async () => {
        for (const end of listening) end();
        await release();
      })();
      return closed;
    },
  };
}
