import { createHash, randomBytes } from 'node:crypto';
import type { Credentials } from './camera-access';
import type { Challenge } from './www-authenticate';

/** Names of RFC 7616 to those of OpenSSL. */
const hashNames: Readonly<Record<string, string>> = {
  md5: 'md5',
  'sha-256': 'sha256',
  'sha-512-256': 'sha512-256',
};

export interface DigestRequest {
  readonly method: string;
  /** Path and query, as in the request. */
  readonly uri: string;
}

/**
 * Answers a digest challenge (RFC 7616; RFC 2069 if the server offers no `qop` or a blank one), without a body.
 * @returns the `Authorization` header; undefined if the challenge is incomplete or its algorithm or `qop` is unknown
 */
export function digestAuthorization(
  { parameters }: Challenge,
  { method, uri }: DigestRequest,
  { user, password }: Credentials,
  cnonce = randomBytes(8).toString('hex'),
): string | undefined {
  const realm = parameters.get('realm') ?? '';
  const nonce = parameters.get('nonce');
  const algorithm = parameters.get('algorithm') || 'MD5';
  const hashName = hashNames[algorithm.replace(/-sess$/i, '').toLowerCase()];
  const qop = chosenQop(parameters.get('qop'));
  if (nonce === undefined || hashName === undefined || qop === 'unknown') return undefined;
  // The camera's values are its bytes as Latin-1; user and password are UTF-8.
  const hash = (text: string): string => createHash(hashName).update(text, 'latin1').digest('hex');
  const secret = hash(`${utf8Bytes(user)}:${realm}:${utf8Bytes(password)}`);
  const a1 = /-sess$/i.test(algorithm) ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const a2 = hash(qop === 'auth-int' ? `${method}:${uri}:${hash('')}` : `${method}:${uri}`);
  const count = '00000001';
  const response = hash(
    qop === undefined ? `${a1}:${nonce}:${a2}` : `${a1}:${nonce}:${count}:${cnonce}:${qop}:${a2}`,
  );
  const isHashed = parameters.get('userhash')?.toLowerCase() === 'true';
  const opaque = parameters.get('opaque');
  const parts = [
    userField(isHashed ? hash(`${utf8Bytes(user)}:${realm}`) : user),
    `realm="${quoted(realm)}"`,
    `nonce="${quoted(nonce)}"`,
    `uri="${quoted(uri)}"`,
    // A camera that names none may not support any.
    ...(parameters.has('algorithm') ? [`algorithm=${algorithm}`] : []),
    ...(qop === undefined ? [] : [`qop=${qop}`, `nc=${count}`, `cnonce="${cnonce}"`]),
    `response="${response}"`,
    ...(opaque === undefined ? [] : [`opaque="${quoted(opaque)}"`]),
    ...(isHashed ? ['userhash=true'] : []),
  ];
  return `Digest ${parts.join(', ')}`;
}

function utf8Bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function chosenQop(offered: string | undefined): 'auth' | 'auth-int' | 'unknown' | undefined {
  const each = (offered ?? '').split(/[\s,]+/).map((name) => name.toLowerCase());
  if (each.includes('auth')) return 'auth';
  if (each.includes('auth-int')) return 'auth-int';
  return each.every((name) => name === '') ? undefined : 'unknown';
}

/** Names beyond ASCII are encoded (RFC 7616, 3.4). */
function userField(user: string): string {
  if (/^[ -~]*$/.test(user)) return `username="${quoted(user)}"`;
  return `username*=UTF-8''${encodeURIComponent(user)}`;
}

function quoted(text: string): string {
  return text.replaceAll(/["\\]/g, '\\$&');
}
