import { SmolvlmError } from '../../errors';
import { packageVersion } from '../../package-version';
import { sendCalendar } from './calendar-feed';
import { entryBody } from './entry-body';
import type { LiveTimelines } from './live-clients';
import { pageFiles, sendPageFile } from './page-files';
import { askPicture, noEntry } from './stored-question';
import type { Timeline } from './timeline';
import { type Authentication, requestHeader, type SessionBody } from './timeline-api';
import { sendExport } from './timeline-export';
import { daysQuery, entryId, exportQuery, noQuery, pageQuery } from './timeline-query';
import { type Exchange, queryOf, sendBody, sendError, sendJson } from './timeline-response';

export interface TimelineRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the page's address, with `:name` for its parts; empty for the page itself. */
  readonly path: string;
  /** Public routes contain nothing of a timeline. For all others, the server authenticates the client first. */
  readonly access: 'public' | 'read' | 'write';
  /** Callers such as calendar programs can send a name and a password, but no token. */
  readonly acceptsPassword?: boolean;
  /** Answers every request, an error too. */
  readonly answer: (exchange: Exchange) => Promise<void>;
}

export interface TimelineRoutesOptions {
  readonly timelines: () => readonly Timeline[];
  readonly authentication: () => Authentication;
  /** Shared by the servers that have the same timelines. */
  readonly live: LiveTimelines;
}

type Answer = (exchange: Exchange) => void | Promise<void>;
type TimelineAnswer = (exchange: Exchange, timeline: Timeline) => void | Promise<void>;

/** The captions page and its API, for any HTTP server. */
export function timelineRoutes(options: TimelineRoutesOptions): readonly TimelineRoute[] {
  const { timelines, authentication, live } = options;
  const of =
    (answer: TimelineAnswer): Answer =>
    (exchange) => {
      const { timeline: id = '' } = exchange.params;
      const timeline = timelines().find((each) => each.id === id);
      if (timeline) return answer(exchange, timeline);
      throw new SmolvlmError('timeline-unknown', `there is no timeline "${id.slice(0, 80)}"`, {
        hint: 'It was removed from the flows, or its node is not deployed. Load the page again.',
      });
    };
  const route = (
    method: TimelineRoute['method'],
    path: string,
    access: TimelineRoute['access'],
    answer: Answer,
  ): TimelineRoute => ({ method, path, access, answer: (exchange) => answered(method, answer, exchange) });
  const one = 'timelines/:timeline';
  const entry = `${one}/entries/:entry`;

  return [
    route('GET', '', 'public', sendPage),
    ...pageFiles.map((name) => route('GET', name, 'public', (exchange) => sendPageFile(exchange, name))),
    route('GET', 'session', 'public', (exchange) =>
      sendJson(exchange, {
        authentication: authentication(),
        version: packageVersion(),
      } satisfies SessionBody),
    ),
    route('GET', 'access', 'write', ({ response }) => void response.writeHead(204).end()),
    route('GET', 'timelines', 'read', (exchange) => {
      noQuery(queryOf(exchange));
      sendJson(
        exchange,
        timelines().map(({ id, name, ask }) => ({ id, name, mayAsk: ask !== undefined })),
      );
    }),
    {
      ...route('GET', 'calendar.ics', 'read', (exchange) => sendCalendar(exchange, timelines())),
      acceptsPassword: true,
    },
    route(
      'GET',
      `${one}/entries`,
      'read',
      of(async (exchange, { store }) => {
        const { entries, next } = await store.search(pageQuery(queryOf(exchange)));
        sendJson(exchange, {
          entries: entries.map(entryBody),
          ...(next === undefined ? {} : { next: String(next) }),
        });
      }),
    ),
    route('GET', entry, 'read', of(sendEntry)),
    route(
      'DELETE',
      entry,
      'write',
      of(async (exchange, { store }) => {
        const id = entryId(exchange.params.entry);
        if ((await store.remove([id])) === 0) throw noEntry(id);
        live.of(store).removed([id]);
        exchange.response.writeHead(204).end();
      }),
    ),
    route('GET', `${entry}/picture`, 'read', of(sendPicture('picture'))),
    route('GET', `${entry}/thumbnail`, 'read', of(sendPicture('thumbnail'))),
    route(
      'POST',
      `${entry}/ask`,
      'write',
      of((exchange, timeline) => askPicture(exchange, timeline, entryId(exchange.params.entry))),
    ),
    route(
      'GET',
      `${one}/cameras`,
      'read',
      of(async (exchange, { store }) => {
        noQuery(queryOf(exchange));
        const cameras = await store.cameras();
        sendJson(
          exchange,
          cameras.map(({ camera, entries }) => ({ camera, entries })),
        );
      }),
    ),
    route(
      'GET',
      `${one}/days`,
      'read',
      of(async (exchange, { store }) => sendJson(exchange, await store.days(daysQuery(queryOf(exchange))))),
    ),
    route(
      'GET',
      `${one}/statistics`,
      'read',
      of(async (exchange, { store }) => sendJson(exchange, await store.statistics())),
    ),
    route(
      'GET',
      `${one}/live`,
      'read',
      of((exchange, { store }) =>
        live.of(store).open(exchange, () => timelines().some((each) => each.store === store)),
      ),
    ),
    route(
      'GET',
      `${one}/export`,
      'read',
      of((exchange, timeline) => {
        const { filter, format } = exportQuery(queryOf(exchange));
        return sendExport(exchange, timeline, filter, format);
      }),
    ),
  ];
}

async function answered(method: string, answer: Answer, exchange: Exchange): Promise<void> {
  try {
    if (method !== 'GET') checkOrigin(exchange);
    await answer(exchange);
  } catch (error) {
    sendError(exchange, error);
  }
}

/** A page of another site can send a form, also with the browser's stored login, but neither this header nor this origin. */
function checkOrigin({ request: { headers } }: Exchange): void {
  const site = headers['sec-fetch-site'];
  if (headers[requestHeader] !== undefined && (site === undefined || site === 'same-origin')) return;
  throw new SmolvlmError(
    'request-foreign',
    `expected the header ${requestHeader}, sent by the page of this server`,
    {
      hint: `Programs send "${requestHeader}: 1".`,
    },
  );
}

/** Relative addresses of the page need the slash at its end. */
async function sendPage(exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const path = new URL(originalUrl(request), 'http://localhost').pathname;
  if (path.endsWith('/')) return await sendPageFile(exchange, 'page.html');
  response.writeHead(302, { location: `${path.split('/').at(-1)}/`, 'cache-control': 'no-store' }).end();
}

/** Express takes the path of a mounted part away from `url`. */
function originalUrl(request: Exchange['request']): string {
  return (request as { readonly originalUrl?: string }).originalUrl ?? request.url ?? '/';
}

async function sendEntry(exchange: Exchange, { store }: Timeline): Promise<void> {
  const id = entryId(exchange.params.entry);
  const found = await store.entry(id);
  if (!found) throw noEntry(id);
  sendJson(exchange, entryBody(found));
}

function sendPicture(kind: 'picture' | 'thumbnail'): TimelineAnswer {
  return async (exchange, { store }) => {
    const id = entryId(exchange.params.entry);
    const bytes = await store[kind](id);
    if (bytes) return sendBody(exchange, pictureType(bytes), bytes, { 'content-disposition': 'inline' });
    const found = await store.entry(id);
    if (!found) throw noEntry(id);
    throw new SmolvlmError('timeline-no-picture', `the ${kind} of this entry was not kept`);
  };
}

/** Of the formats that a timeline keeps; nothing else is shown. */
function pictureType(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (head.startsWith('\xFF\xD8\xFF')) return 'image/jpeg';
  if (head.startsWith('\x89PNG\r\n\x1A\n')) return 'image/png';
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'image/webp';
  return 'application/octet-stream';
}
