import { type NatsAddress, parseNatsAddress } from '../../nats/nats-address';
import { readNatsFile } from '../../nats/nats-files';
import { defined } from '../../system/defined';
import { type Command, type OptionValues, optionalInteger, optionalString, UsageError } from './command';

/** The options of commands that use the shared queue. */
export const natsOptionTable = {
  nats: { type: 'string' },
  'nats-stream': { type: 'string' },
  'nats-creds': { type: 'string' },
  'nats-token-file': { type: 'string' },
  'nats-password-file': { type: 'string' },
  'nats-tls-ca': { type: 'string' },
} as const satisfies Command['options'];

/** Options of hubs, which make the streams. */
export const hubOptionTable = {
  ...natsOptionTable,
  'nats-replicas': { type: 'string' },
} as const satisfies Command['options'];

export const natsUsage =
  '[--nats-stream NAME] [--nats-creds F | --nats-token-file F | --nats-password-file F] [--nats-tls-ca F]';

export const hubUsage = `${natsUsage} [--nats-replicas 1|3|5]`;

/** @throws UsageError without `--nats`; SmolvlmError `nats-address`, `nats-credentials` */
export function natsOptions(values: OptionValues): NatsAddress {
  const url = optionalString(values, 'nats');
  if (url === undefined)
    throw new UsageError('--nats is missing', 'Give the server: --nats nats://HOST:4222');
  const secrets = ['nats-creds', 'nats-token-file', 'nats-password-file'] as const;
  const given = secrets.filter((name) => values[name] !== undefined);
  if (given.length > 1) {
    throw new UsageError(`expected one login, received ${given.map((name) => `--${name}`).join(' and ')}`);
  }
  const read = (name: (typeof secrets)[number]): string | undefined => {
    const path = optionalString(values, name);
    return path === undefined ? undefined : readNatsFile(path);
  };
  const address = parseNatsAddress(
    url,
    read('nats-token-file') ?? read('nats-password-file'),
    optionalString(values, 'nats-stream'),
  );
  if (given[0] === 'nats-password-file' && address.user === undefined) {
    throw new UsageError(
      '--nats-password-file: the address has no user',
      'Write it before the host: --nats nats://USER@HOST:4222',
    );
  }
  if (given[0] === 'nats-token-file' && address.user !== undefined) {
    throw new UsageError(
      '--nats-token-file: the address has a user, but a token needs none',
      'Give the user’s password with --nats-password-file.',
    );
  }
  return {
    ...address,
    ...defined({
      credentials: read('nats-creds'),
      tlsCa: optionalString(values, 'nats-tls-ca'),
      replicas: copies(values),
    }),
  };
}

/** An even number of copies survives no more lost servers than one copy fewer. */
function copies(values: OptionValues): number | undefined {
  const count = optionalInteger(values, 'nats-replicas', 1, 5);
  if (count === undefined || count % 2 === 1) return count;
  throw new UsageError(
    `--nats-replicas: expected 1, 3 or 5, received ${count}`,
    `${count} copies can lose no more servers than ${count - 1}.`,
  );
}
