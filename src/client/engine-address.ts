import { SmolvlmError } from '../errors';
import { shownAddress } from '../system/shown-address';

/** Where an engine is: on this machine, started when needed; behind a given socket; or on the network. */
export type EngineAddress =
  | { readonly kind: 'local' }
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'remote'; readonly url: URL; readonly token?: string };

/**
 * @param text empty or `local`, or the remote engine's `http(s)://host:port`
 * @param token the remote engine's bearer token
 * @throws SmolvlmError `engine-address` for anything else
 */
export function parseEngineAddress(text: string | undefined, token?: string): EngineAddress {
  const trimmed = (text ?? '').trim();
  if (trimmed === '' || trimmed === 'local') return { kind: 'local' };
  const url = URL.canParse(trimmed) ? new URL(trimmed) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
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
  return token === undefined || token === '' ? { kind: 'remote', url } : { kind: 'remote', url, token };
}
