import { SmolvlmError } from '../errors';
import { defined } from '../system/defined';
import { shownAddress } from '../system/shown-address';

/** Servers of one NATS cluster, and who connects. */
export interface NatsAddress {
  /** Without user and password, e.g. `nats://nats.local:4222`. */
  readonly servers: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Content of a credentials file. */
  readonly credentials?: string;
  /** Path of the certificate of the authority that signed the servers' certificates. */
  readonly tlsCa?: string;
  /** Prefix of all subjects, and name of the stream. */
  readonly stream: string;
  /** Copies of each stream that a hub makes. Default: three in a cluster, otherwise one. */
  readonly replicas?: number;
}

const defaultStream = 'smolvlm';

export function isStreamName(text: string): boolean {
  return /^[\w-]{1,64}$/.test(text);
}

/**
 * @param text `nats://host:port` or `tls://host:port`, several separated by commas; a user and a password may be given
 *   before the first host
 * @param secret the user's password, or a token if the address has no user
 * @throws SmolvlmError `nats-address`
 */
export function parseNatsAddress(text: string, secret?: string, stream = defaultStream): NatsAddress {
  const urls = text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  const parsed = urls.map(serverUrl);
  const [first] = parsed;
  if (!first) throw badAddress(text);
  if (!isStreamName(stream)) {
    throw new SmolvlmError(
      'nats-address',
      `expected a stream name of letters, digits, - and _, received "${stream.slice(0, 80)}"`,
    );
  }
  const user = decodeURIComponent(first.username) || undefined;
  const password =
    decodeURIComponent(first.password) || (user === undefined ? undefined : secret || undefined);
  const token = user === undefined ? secret || undefined : undefined;
  const servers = parsed.map(({ protocol, host }) => `${protocol}//${host}`);
  return { servers, stream, ...defined({ user, password, token }) };
}

function serverUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') throw badAddress(text);
  return url;
}

function badAddress(text: string): SmolvlmError {
  return new SmolvlmError('nats-address', `expected nats://host:port, received "${shownAddress(text)}"`, {
    hint: 'Write for example nats://nats.local:4222, or tls:// for an encrypted connection.',
  });
}
