import { SmolvlmError } from '../errors';
import { defined } from '../system/defined';
import { shownAddress } from '../system/shown-address';

/** Where an engine is: on this machine, started when needed; behind a given socket; or on the network. */
export type EngineAddress =
  | { readonly kind: 'local' }
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'remote'; readonly url: URL; readonly token?: string; readonly fingerprint?: string };

/**
 * @param text empty or `local`, or the remote engine's `http(s)://host:port`; with `#sha256=FINGERPRINT` only the certificate
 *   with this fingerprint is accepted
 * @param token the remote engine's bearer token
 * @throws SmolvlmError `engine-address` for anything else
 */
export function parseEngineAddress(text: string | undefined, token?: string): EngineAddress {
  const trimmed = (text ?? '').trim();
  if (trimmed === '' || trimmed === 'local') return { kind: 'local' };
  const url = URL.canParse(trimmed) ? new URL(trimmed) : undefined;
  const fingerprint = url && fingerprintIn(url);
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || fingerprint === null) {
    throw new SmolvlmError(
      'engine-address',
      `expected "local" or http(s)://host:port as the engine's address, received "${shownAddress(trimmed)}"`,
      { hint: 'Write for example http://hub.local:8372, or leave it empty for the engine on this machine.' },
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new SmolvlmError('engine-address', "expected an engine's address without user name and password", {
      hint: 'Give the token in its own field.',
    });
  }
  url.hash = '';
  return { kind: 'remote', url, ...defined({ token: token || undefined, fingerprint }) };
}

/** @returns 64 hexadecimal digits in upper case; undefined without a fragment, null for another one */
function fingerprintIn({ hash, protocol }: URL): string | undefined | null {
  if (hash === '') return undefined;
  const [, digits = ''] = /^#sha256=([0-9A-F:]+)$/i.exec(hash) ?? [];
  const fingerprint = digits.replaceAll(':', '').toUpperCase();
  return fingerprint.length === 64 && protocol === 'https:' ? fingerprint : null;
}
