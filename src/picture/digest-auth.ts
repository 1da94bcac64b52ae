import { createHash, randomBytes } from 'node:crypto';

const algorithms: Readonly<Record<string, string>> = { md5: 'md5', 'sha-256': 'sha256' };

/**
 * Answers a `WWW-Authenticate: Digest …` challenge (RFC 7616, RFC 2069 where the server offers no `qop`).
 * @param uri path and query of the request
 * @returns the `Authorization` header; undefined for a challenge that is none or asks for what is not known
 */
export function digestAuthorization(
  challenge: string,
  method: string,
  uri: string,
  { user, password }: { readonly user: string; readonly password: string },
  cnonce = randomBytes(8).toString('hex'),
): string | undefined {
  const fields = challengeFields(challenge);
  const { realm, nonce, opaque, algorithm = 'MD5' } = fields ?? {};
  const session = /-sess$/i.test(algorithm);
  const hashName = algorithms[algorithm.replace(/-sess$/i, '').toLowerCase()];
  if (realm === undefined || nonce === undefined || hashName === undefined) return undefined;
  const offered = fields?.qop?.split(',').map((each) => each.trim().toLowerCase());
  if (offered && !offered.includes('auth')) return undefined;
  const hash = (text: string): string => createHash(hashName).update(text).digest('hex');
  const secret = hash(`${user}:${realm}:${password}`);
  const a1 = session ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const a2 = hash(`${method}:${uri}`);
  const count = '00000001';
  const response = offered
    ? hash(`${a1}:${nonce}:${count}:${cnonce}:auth:${a2}`)
    : hash(`${a1}:${nonce}:${a2}`);
  const parts = [
    `username="${quoted(user)}"`,
    `realm="${quoted(realm)}"`,
    `nonce="${quoted(nonce)}"`,
    `uri="${quoted(uri)}"`,
    `algorithm=${algorithm}`,
    ...(offered ? ['qop=auth', `nc=${count}`, `cnonce="${cnonce}"`] : []),
    `response="${response}"`,
    ...(opaque === undefined ? [] : [`opaque="${quoted(opaque)}"`]),
  ];
  return `Digest ${parts.join(', ')}`;
}

function challengeFields(challenge: string): Readonly<Record<string, string>> | undefined {
  const digest = /(?:^|,\s*)Digest\s+(.*)$/is.exec(challenge)?.[1];
  if (digest === undefined) return undefined;
  const fields: Record<string, string> = {};
  for (const [, name = '', text, token] of digest.matchAll(
    /([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,]+))/g,
  )) {
    fields[name.toLowerCase()] ??= text === undefined ? (token ?? '') : text.replaceAll(/\\(.)/g, '$1');
  }
  return fields;
}

function quoted(text: string): string {
  return text.replaceAll(/["\\]/g, '\\$&');
}
