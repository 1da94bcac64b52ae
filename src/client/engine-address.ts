import { SmolvlmError } from '../errors';
import { shownAddress } from '../system/shown-address';

/** Where an engine is: started here when needed, there already behind a socket, or reached over the network. */
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
      `an engine's address is "local" or http(s)://host:port; received "${shownAddress(trimmed)}"`,
      { hint: 'Write for example http://hub.local:8372, or leave it empty for the engine on this machine.' },
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new SmolvlmError('engine-address', "an engine's address holds no user name or password", {
      hint: 'Give the token in its own field.',
    });
  }
  return token === undefined || token === '' ? { kind: 'remote', url } : { kind: 'remote', url, token };
}
