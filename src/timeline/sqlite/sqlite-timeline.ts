import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { errorBody, SmolvlmError } from '../../errors';
import { defined } from '../../system/defined';
import { makeFolder } from '../../system/files/make-folder';
import { FileLock } from '../../system/lock/file-lock';
import type { NewTimelineEntry, TimelineAnswer, TimelineEntry, TimelinePictures } from '../timeline-entry';
import type {
  TimelineCamera,
  TimelineDay,
  TimelinePage,
  TimelineQuery,
  TimelineStatistics,
  TimelineStore,
  TimelineSummary,
} from '../timeline-store';
import type { FromThread, ThreadMethod, ThreadSetup, ToThread } from './timeline-messages';

/** From dist/src/timeline/sqlite. */
const threadFile = join(__dirname, 'timeline-thread.js');

/** Requests that may wait for the thread: about a minute of a busy machine. */
const mostWaiting = 1000;
/** Pictures that may wait. */
const mostWaitingBytes = 64_000_000;

interface Waiting {
  readonly bytes: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: SmolvlmError) => void;
}

/** A timeline in an SQLite file of a folder, on its own thread: a long search delays nothing else. */
export class SqliteTimeline implements TimelineStore {
  readonly #worker: Worker;
  readonly #lock: FileLock;
  readonly #waiting = new Map<number, Waiting>();
  readonly #added = new Set<(entry: TimelineEntry) => void>();
  readonly #trouble = new Set<(error: SmolvlmError) => void>();
  readonly #ended: Promise<void>;
  /** Trouble before anybody listens. */
  #early: SmolvlmError[] = [];
  #waitingBytes = 0;
  #lastJob = 0;
  #closed: Promise<void> | undefined;

  private constructor(worker: Worker, lock: FileLock) {
    this.#worker = worker;
    this.#lock = lock;
    worker.on('message', (message: FromThread) => this.#receive(message));
    worker.on('error', (error) => this.#lost(`it crashed: ${error.message}`));
    this.#ended = new Promise((resolve) =>
      worker.once('exit', () => {
        this.#lost('it has ended');
        resolve();
      }),
    );
  }

  /** Opens or makes the timeline of a folder. @throws SmolvlmError `timeline-…` */
  static async open(setup: ThreadSetup): Promise<SqliteTimeline> {
    const lock = await lockFolder(setup.folder);
    let worker: Worker | undefined;
    try {
      worker = new Worker(threadFile, { workerData: setup, execArgv: quietArguments() });
      const timeline = new SqliteTimeline(worker, lock);
      await opened(worker);
      // An open timeline alone does not keep the process.
      worker.unref();
      return timeline;
    } catch (error) {
      await worker?.terminate();
      await lock.release();
      throw error;
    }
  }

  async add(entry: NewTimelineEntry, pictures: TimelinePictures = {}): Promise<number> {
    const bytes = (pictures.picture?.byteLength ?? 0) + (pictures.thumbnail?.byteLength ?? 0);
    const answers = jsonOf(entry.answers);
    return (await this.#ask('add', [{ ...entry, ...defined({ answers }) }, pictures], bytes)) as number;
  }

  search(query: TimelineQuery = {}): Promise<TimelinePage> {
    return this.#ask('search', [query]) as Promise<TimelinePage>;
  }

  addAnswer(id: number, question: string, answer: TimelineAnswer): Promise<TimelineEntry | undefined> {
    return this.#ask('addAnswer', [id, question, answer]) as Promise<TimelineEntry | undefined>;
  }

  entry(id: number): Promise<TimelineEntry | undefined> {
    return this.#ask('entry', [id]) as Promise<TimelineEntry | undefined>;
  }

  picture(id: number): Promise<Uint8Array | undefined> {
    return this.#ask('picture', [id]) as Promise<Uint8Array | undefined>;
  }

  thumbnail(id: number): Promise<Uint8Array | undefined> {
    return this.#ask('thumbnail', [id]) as Promise<Uint8Array | undefined>;
  }

  remove(ids: readonly number[]): Promise<number> {
    return this.#ask('remove', [ids]) as Promise<number>;
  }

  cameras(): Promise<readonly TimelineCamera[]> {
    return this.#ask('cameras', []) as Promise<readonly TimelineCamera[]>;
  }

  days(query: { readonly camera?: string } = {}): Promise<readonly TimelineDay[]> {
    return this.#ask('days', [query]) as Promise<readonly TimelineDay[]>;
  }

  summary(range: { readonly from: number; readonly to: number }): Promise<readonly TimelineSummary[]> {
    return this.#ask('summary', [range]) as Promise<readonly TimelineSummary[]>;
  }

  statistics(): Promise<TimelineStatistics> {
    return this.#ask('statistics', []) as Promise<TimelineStatistics>;
  }

  onAdded(listener: (entry: TimelineEntry) => void): () => void {
    this.#added.add(listener);
    return () => this.#added.delete(listener);
  }

  onTrouble(listener: (error: SmolvlmError) => void): () => void {
    this.#trouble.add(listener);
    for (const error of this.#early.splice(0)) listener(error);
    return () => this.#trouble.delete(listener);
  }

  /** Whether it was closed, or its thread has crashed. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#worker.ref();
    this.#post({ close: true });
    await this.#ended;
    await this.#lock.release();
  }

  #ask(method: ThreadMethod, values: readonly unknown[], bytes = 0): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) {
        reject(new SmolvlmError('timeline-closed', 'the timeline is closed'));
        return;
      }
      if (this.#waiting.size >= mostWaiting || this.#waitingBytes + bytes > mostWaitingBytes) {
        reject(
          new SmolvlmError('timeline-busy', `${this.#waiting.size} requests already wait for the timeline`, {
            hint: 'Entries arrive faster than the disk can write them. Keep thumbnails only, or send fewer.',
          }),
        );
        return;
      }
      this.#waitingBytes += bytes;
      const job = ++this.#lastJob;
      this.#waiting.set(job, { bytes, resolve, reject });
      this.#worker.ref();
      this.#post({ job, method, values });
    });
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromThread): void {
    if ('added' in message) for (const listener of this.#added) listener(message.added);
    if ('trouble' in message) this.#report(SmolvlmError.from(message.trouble));
    if (!('job' in message)) return;
    const waiting = this.#waiting.get(message.job);
    if (!waiting) return;
    this.#waiting.delete(message.job);
    this.#waitingBytes -= waiting.bytes;
    if (this.#waiting.size === 0 && this.#closed === undefined) this.#worker.unref();
    if ('error' in message) waiting.reject(SmolvlmError.from(message.error));
    else waiting.resolve(message.value);
  }

  #report(error: SmolvlmError): void {
    if (this.#trouble.size === 0) this.#early.push(error);
    for (const listener of this.#trouble) listener(error);
  }

  #lost(how: string): void {
    const error = new SmolvlmError('timeline-thread', `the timeline's thread does not answer: ${how}`, {
      hint: 'A timeline node opens it again with its next message; an engine must be restarted. If it happens again, please report it.',
    });
    const left = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#waitingBytes = 0;
    for (const { reject } of left) reject(error);
    if (this.#closed !== undefined) return;
    this.#closed = this.#lock.release();
    this.#report(error);
  }
}

/** Answers as they are kept: what the thread cannot be sent or cannot write must not reach it. @throws SmolvlmError `timeline-message` */
function jsonOf(answers: NewTimelineEntry['answers']): NewTimelineEntry['answers'] {
  if (answers === undefined) return undefined;
  try {
    return JSON.parse(JSON.stringify(answers));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : errorBody(cause).message;
    throw new SmolvlmError(
      'timeline-message',
      `expected answers that can be written as JSON, received others: ${why}`,
      {
        hint: 'Correct what a function node sets in msg.caption.json.',
        cause,
      },
    );
  }
}

async function lockFolder(folder: string): Promise<FileLock> {
  let lock: Awaited<ReturnType<typeof FileLock.tryAcquire>>;
  try {
    await makeFolder(folder, 0o700);
    lock = await FileLock.tryAcquire(join(folder, 'timeline.lock'));
  } catch (cause) {
    throw new SmolvlmError(
      'timeline-folder',
      `cannot write to the folder ${folder}: ${errorBody(cause).message}`,
      {
        hint: 'Choose a folder that the user of this process may write to.',
        cause,
      },
    );
  }
  if (lock instanceof FileLock) return lock;
  throw new SmolvlmError('timeline-in-use', `the timeline in ${folder} is in use by process ${lock.pid}`, {
    hint: 'Choose another folder, or end the other program.',
  });
}

function opened(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: FromThread) => {
      if ('ready' in message) resolve();
      if ('failed' in message) reject(SmolvlmError.from(message.failed));
    });
    worker.once('error', reject);
    worker.once('exit', () =>
      reject(new SmolvlmError('timeline-thread', "the timeline's thread ended while it was starting")),
    );
  });
}

/** Node.js 22 warns that its SQLite may still change. Older versions refuse the option. */
function quietArguments(): string[] {
  const [major = 0] = process.versions.node.split('.').map(Number);
  return major >= 22 ? ['--disable-warning=ExperimentalWarning'] : [];
}
