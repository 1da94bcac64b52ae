import type { Credentials } from './camera-access';
import { type DigestRequest, digestAuthorization } from './digest-auth';
import type { Challenge } from './www-authenticate';

/** How a request answers a camera's challenge. */
export interface Authorization {
  /** The `Authorization` header. */
  readonly header: string;
  /** Of a digest. */
  readonly nonce?: string;
}

/**
 * Answers the first digest challenge that is supported (RFC 7616, 3.7). Basic, which sends the password itself, is
 * used only if the camera offers it and no digest.
 * @returns undefined if nothing that is offered can be answered
 */
export function answerChallenges(
  challenges: readonly Challenge[],
  request: DigestRequest,
  credentials: Credentials,
): Authorization | undefined {
  const digests = challenges.filter(({ scheme }) => scheme === 'digest');
  for (const challenge of digests) {
    const header = digestAuthorization(challenge, request, credentials);
    if (header !== undefined) return { header, nonce: challenge.parameters.get('nonce') ?? '' };
  }
  if (digests.length > 0 || !challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
  const { user, password } = credentials;
  return { header: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** Whether the camera refused a digest only because its nonce is too old: not a wrong password. */
export function isStale(challenges: readonly Challenge[], { nonce }: Authorization): boolean {
  return challenges.some(
    ({ scheme, parameters }) =>
      scheme === 'digest' &&
      /^true$/i.test(parameters.get('stale') ?? '') &&
      parameters.get('nonce') !== nonce,
  );
}

/** What a camera offers, for people: `Digest (SHA-999), Bearer`. */
export function offeredLogins(challenges: readonly Challenge[]): string {
  const names = challenges.map(({ scheme, parameters }) => {
    const algorithm = parameters.get('algorithm');
    const name = `${scheme.slice(0, 1).toUpperCase()}${scheme.slice(1)}`;
    return algorithm === undefined ? name : `${name} (${algorithm})`;
  });
  return names.length === 0 ? 'no login' : [...new Set(names)].join(', ');
}
