import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { SmolvlmError } from '../errors';
import { defined } from '../system/defined';
import { FrameSubjects, token } from './frame-subjects';
import type { NatsAddress } from './nats-address';
import { readNatsFile } from './nats-files';
import { loadNats, type NatsPackages } from './nats-packages';
import { permissionError } from './nats-permission';

/** An open connection to a server with JetStream. */
export interface NatsLink {
  readonly packages: NatsPackages;
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly subjects: FrameSubjects;
  /** Copies of each stream; of streams that exist, only if the number was chosen. */
  readonly replicas: { readonly count: number; readonly isChosen: boolean };
  /** An answer that the server has not confirmed after this is published again. */
  readonly confirmMs: number;
}

export interface NatsTimes {
  /** Default: 5 s. */
  readonly confirmMs?: number;
}

const oldestServer = [2, 9] as const;

/**
 * Connects; a lost connection is opened again without end.
 * @throws SmolvlmError `nats-package`, `nats-credentials`, `nats-unreachable`, `nats-login`, `nats-tls`,
 *   `nats-permission`, `nats-jetstream`, `nats-server-version`
 */
export async function openNats(
  address: NatsAddress,
  name: string,
  { confirmMs = 5_000 }: NatsTimes = {},
): Promise<NatsLink> {
  const packages = await loadNats();
  const { transport, jetstream } = packages;
  const { servers, stream, user, password, credentials, tlsCa } = address;
  const encoder = new TextEncoder();
  const ca = tlsCa === undefined ? undefined : readNatsFile(tlsCa);
  let connection: NatsConnection;
  try {
    connection = await transport.connect({
      servers: [...servers],
      name,
      timeout: 5_000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      pingInterval: 10_000,
      ...defined({ user, pass: password, token: address.token, inboxPrefix: user && inboxOf(user) }),
      ...(credentials !== undefined && {
        // Its parser needs the line end of the last line.
        authenticator: transport.credsAuthenticator(encoder.encode(`${credentials}\n`)),
      }),
      ...((ca !== undefined || servers.some((server) => server.startsWith('tls:'))) && {
        tls: { ...defined({ ca }), ...identityCheck(servers) },
      }),
    });
  } catch (cause) {
    throw connectError(servers, cause);
  }
  try {
    checkVersion(connection.info?.version ?? '');
    const manager = await jetstream.jetstreamManager(connection).catch((cause: unknown) => {
      throw permissionError(cause) ?? jetstreamError(servers, cause);
    });
    return {
      packages,
      connection,
      jetstream: jetstream.jetstream(connection),
      manager,
      subjects: new FrameSubjects(stream),
      replicas: {
        count: address.replicas ?? (connection.info?.cluster === undefined ? 1 : 3),
        isChosen: address.replicas !== undefined,
      },
      confirmMs,
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Where a user receives replies: below `_INBOX` as usual, and apart from those of other users. */
function inboxOf(user: string): string {
  return `_INBOX.${token(user)}`;
}

/** A server that is away never confirms what it was sent. */
const drainMs = 2000;

/** Sends what is left and closes, whether or not the server can be reached. */
export async function closeNats({ connection }: Pick<NatsLink, 'connection'>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([
    connection.drain().catch(() => {}),
    delay(drainMs, undefined, { signal: timer.signal }).catch(() => {}),
  ]);
  timer.abort();
  await connection.close();
}

/**
 * NATS' client gives TLS no name for a server that is known by its IP address, and Node then expects the certificate of
 * `localhost`: it is checked for the addresses instead.
 */
function identityCheck(servers: readonly string[]): Pick<ConnectionOptions, 'checkServerIdentity'> {
  const hosts = servers.map((server) => new URL(server).hostname.replaceAll(/[[\]]/g, ''));
  return {
    checkServerIdentity: (host, certificate) => {
      const names = hosts.includes(host) ? [host] : hosts.filter((each) => isIP(each) !== 0);
      const faults = names.map((name) => checkServerIdentity(name, certificate));
      if (faults.length > 0) return faults.includes(undefined) ? undefined : faults[0];
      return checkServerIdentity(host, certificate);
    },
  };
}

function checkVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = oldestServer;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return;
  throw new SmolvlmError(
    'nats-server-version',
    `expected nats-server ${leastMajor}.${leastMinor} or newer, received ${version || 'no version'}`,
    { hint: 'Update nats-server.' },
  );
}

function jetstreamError(servers: readonly string[], cause: unknown): SmolvlmError {
  return new SmolvlmError(
    'nats-jetstream',
    `JetStream cannot be used at ${servers.join(', ')}: ${words(cause)}`,
    {
      hint: 'Start the server with -js, and enable JetStream for the account. See docs/many-hubs.md.',
      cause,
    },
  );
}

/** The error of a connection that failed, or that the server refused. */
export function connectError(servers: readonly string[], cause: unknown): SmolvlmError {
  const place = servers.join(', ');
  const reason = words(cause);
  if (/authoriz|authentic|credential|nkey|jwt/i.test(`${(cause as Error)?.name} ${reason}`)) {
    return new SmolvlmError('nats-login', `the NATS server at ${place} refuses the login: ${reason}`, {
      hint: 'Check user and password, token or credentials file.',
      cause,
    });
  }
  if (isTlsFault(cause) || /does not support 'tls'/.test(reason)) {
    return new SmolvlmError(
      'nats-tls',
      `the connection to the NATS server at ${place} cannot be encrypted: ${reason}`,
      {
        hint: 'Give the certificate of the authority that signed the server’s (--nats-tls-ca), and name the host as the certificate does. The address of a server without TLS begins with nats://.',
        cause,
      },
    );
  }
  return new SmolvlmError('nats-unreachable', `no NATS server answers at ${place}: ${reason}`, {
    hint: 'Check that nats-server runs there, and that host and port are right.',
    cause,
  });
}

/** Whether Node refuses the server's certificate: e.g. ERR_TLS_CERT_ALTNAME_INVALID, DEPTH_ZERO_SELF_SIGNED_CERT, CERT_HAS_EXPIRED. */
function isTlsFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    /CERT|SELF_SIGNED|UNABLE_TO_/.test(code) || /certificate/i.test(error.message) || isTlsFault(error.cause)
  );
}

/** What an error of the NATS packages says. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const transientNames: ReadonlySet<string> = new Set([
  'TimeoutError',
  'NoRespondersError',
  'RequestError',
  'JetStreamNotEnabled',
]);

/** Something that is expected to be there soon, for example when a cluster has chosen a leader. */
export class ServerNotReady extends Error {}

/** Codes of JetStream's API while a cluster has no leader: temporarily unavailable, not the leader. */
const leaderlessCodes: ReadonlySet<unknown> = new Set([10008, 10009]);

/** Whether the server, or its JetStream, is out of reach at the moment. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error) || permissionError(error)) return false;
  const isLeaderless = 'code' in error && leaderlessCodes.has(error.code);
  if (isLeaderless || error instanceof ServerNotReady) return true;
  return transientNames.has(error.name) || isTransient(error.cause);
}
