import { type ErrorBody, SmolvlmError } from '../../../errors';
import {
  type AskLine,
  type CameraBody,
  type DayBody,
  type EntriesBody,
  type EntryBody,
  type ExportFormat,
  requestHeader,
  type SessionBody,
  type TimelineBody,
} from '../../http/timeline-api';
import { eventsOf, linesOf } from './stream-lines';

/** What the list shows; absent fields do not filter. */
export interface EntryFilter {
  readonly text?: string;
  readonly camera?: string;
  /** `2026-11-27` */
  readonly day?: string;
  readonly changed?: boolean;
}

/** An answer of the server other than 2xx. */
export class ServerRefusal extends SmolvlmError {
  constructor(
    readonly status: number,
    { code, message, hint }: ErrorBody,
  ) {
    super(code, message, { hint });
  }
}

/** A message of the stream of new entries. */
export interface LiveMessage {
  readonly event: string;
  readonly data: string;
}

/** The timeline's API. Addresses are relative to the page: it may be served below any path. */
export class TimelineClient {
  /** Sent as a bearer token. */
  token: string | undefined;
  /** Chosen timeline. */
  timeline = '';

  async session(): Promise<SessionBody> {
    return await this.#json('session');
  }

  async timelines(): Promise<readonly TimelineBody[]> {
    return await this.#json('timelines');
  }

  /** Whether the caller may delete and ask. */
  async mayWrite(): Promise<boolean> {
    const response = await this.#fetch('access');
    return response.ok;
  }

  async entries(filter: EntryFilter, before: string | undefined, signal: AbortSignal): Promise<EntriesBody> {
    const query = filterQuery(filter);
    if (before !== undefined) query.set('before', before);
    query.set('limit', '50');
    return await this.#json(this.#address(`entries?${query}`), { signal });
  }

  async entry(id: string, signal?: AbortSignal): Promise<EntryBody> {
    return await this.#json(this.#entryAddress(id), signal ? { signal } : {});
  }

  async cameras(): Promise<readonly CameraBody[]> {
    return await this.#json(this.#address('cameras'));
  }

  async days(camera: string | undefined): Promise<readonly DayBody[]> {
    return await this.#json(
      this.#address(`days${camera === undefined ? '' : `?${new URLSearchParams({ camera })}`}`),
    );
  }

  async image(id: string, kind: 'picture' | 'thumbnail', signal?: AbortSignal): Promise<Blob> {
    const response = await this.#ok(`${this.#entryAddress(id)}/${kind}`, signal ? { signal } : {});
    return await response.blob();
  }

  async remove(id: string): Promise<void> {
    await this.#ok(this.#entryAddress(id), { method: 'DELETE', headers: { [requestHeader]: '1' } });
  }

  /** Asks the stored picture; aborting the signal cancels the request in the engine. */
  async *ask(id: string, question: string, signal: AbortSignal): AsyncGenerator<AskLine> {
    const response = await this.#ok(`${this.#entryAddress(id)}/ask`, {
      method: 'POST',
      headers: { [requestHeader]: '1', 'content-type': 'application/json' },
      body: JSON.stringify({ question }),
      signal,
    });
    if (response.body)
      for await (const line of linesOf(response.body)) if (line !== '') yield JSON.parse(line);
  }

  /** New and removed entries, as long as the connection lasts. @param onOpen called when it is there */
  async *live(signal: AbortSignal, onOpen: () => void): AsyncGenerator<LiveMessage> {
    const response = await this.#ok(this.#address('live'), { signal, cache: 'no-store' });
    onOpen();
    if (response.body) yield* eventsOf(response.body);
  }

  async export(format: ExportFormat, filter: EntryFilter, signal: AbortSignal): Promise<Blob> {
    const query = filterQuery(filter);
    query.set('format', format);
    const response = await this.#ok(this.#address(`export?${query}`), { signal, cache: 'no-store' });
    return await response.blob();
  }

  /** Logs in at Node-RED, whose own address is one folder up. @returns undefined for a wrong name or password */
  async logIn(username: string, password: string): Promise<string | undefined> {
    const body = new URLSearchParams({
      client_id: 'node-red-editor',
      grant_type: 'password',
      scope: '',
      username,
      password,
    });
    const response = await fetch('../auth/token', { method: 'POST', body });
    if (!response.ok) return undefined;
    const { access_token: token } = (await response.json()) as { readonly access_token?: string };
    return token;
  }

  /** Whether Node-RED takes a name and a password; other logins are those of its editor. */
  async takesPassword(): Promise<boolean> {
    const response = await fetch('../auth/login');
    const { type } = response.ok ? ((await response.json()) as { readonly type?: string }) : {};
    return type !== 'strategy';
  }

  #address(path: string): string {
    return `timelines/${encodeURIComponent(this.timeline)}/${path}`;
  }

  #entryAddress(id: string): string {
    return this.#address(`entries/${encodeURIComponent(id)}`);
  }

  async #json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this.#ok(path, init);
    return (await response.json()) as T;
  }

  async #ok(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.#fetch(path, init);
    if (response.ok) return response;
    throw new ServerRefusal(response.status, await errorOf(response));
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== undefined) headers.set('authorization', `Bearer ${this.token}`);
    return await fetch(path, { ...init, headers });
  }
}

export function filterQuery({ changed, ...texts }: EntryFilter): URLSearchParams {
  const query = new URLSearchParams(Object.entries(texts).filter(([, value]) => value !== undefined));
  if (changed) query.set('changed', 'true');
  return query;
}

async function errorOf(response: Response): Promise<ErrorBody> {
  try {
    const { error } = (await response.json()) as { readonly error: ErrorBody };
    if (typeof error.message === 'string') return error;
  } catch {
    // A proxy answers in its own form.
  }
  return { code: `http-${response.status}`, message: `${response.status} ${response.statusText}`.trim() };
}
