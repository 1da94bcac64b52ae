import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SmolvlmError } from '../../errors';
import { type Exchange, sendBody } from './timeline-response';

const folder = join(__dirname, '..', 'page');

const types = {
  'page.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.webmanifest': 'application/manifest+json; charset=utf-8',
  'icon.svg': 'image/svg+xml; charset=utf-8',
} as const;

/** The files of the page. They contain nothing of a timeline, so they need no authentication: the page itself logs in. */
export type PageFile = keyof typeof types;
export const pageFiles = Object.keys(types) as readonly PageFile[];

const read = new Map<PageFile, Promise<Buffer>>();

export async function sendPageFile(exchange: Exchange, name: PageFile): Promise<void> {
  const found = read.get(name) ?? readFile(join(folder, name));
  read.set(name, found);
  let bytes: Buffer;
  try {
    bytes = await found;
  } catch (cause) {
    read.delete(name);
    throw new SmolvlmError('internal', `the page's file ${name} cannot be read`, { cause });
  }
  sendBody(exchange, types[name], bytes, {
    'content-security-policy': policy(exchange.request.headers.host),
    // The same for everybody.
    vary: 'host',
  });
}

/**
 * Scripts, styles and requests only of the page's own server, pictures only those that its script made. Pages on any port of
 * its host may show it in a frame, such as a dashboard of Home Assistant.
 */
function policy(host = ''): string {
  const [, name] = /^([\w.-]+|\[[\da-f:]+\])(?::\d+)?$/i.exec(host) ?? [];
  const ancestors = name === undefined ? ["'self'"] : ["'self'", `http://${name}:*`, `https://${name}:*`];
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${ancestors.join(' ')}`,
  ].join('; ');
}
