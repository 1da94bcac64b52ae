import { createHash, timingSafeEqual } from 'node:crypto';
import { SmolvlmError } from '../../errors';

/** A token that clients may send, with the name of who has it. */
export interface AccessToken {
  readonly name: string;
  readonly token: string;
}

const hint = 'For example: openssl rand -hex 32 > token. Several tokens: a line "NAME TOKEN" for each.';

/**
 * Reads tokens: one token, or lines `NAME TOKEN`; `#` begins a comment.
 * @param source where the text is from, for errors @throws SmolvlmError `engine-token`
 */
export function parseTokens(text: string, source: string): readonly AccessToken[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const tokens = lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line, index) => {
      const words = line.split(/\s+/);
      const [token = '', name = `token ${index + 1}`] = words.reverse();
      if (words.length <= 2 && token.length >= 16) return { name, token };
      const expected = `expected a token of at least 16 characters without spaces in ${source}`;
      throw new SmolvlmError('engine-token', `${expected}, or lines "NAME TOKEN"`, { hint });
    });
  if (tokens.length > 0) return tokens;
  throw new SmolvlmError('engine-token', `expected a token in ${source}, which has none`, { hint });
}

/** Finds the token that a caller sent. */
export class TokenList {
  readonly #digests: readonly { readonly name: string; readonly digest: Buffer }[];

  constructor(tokens: readonly AccessToken[]) {
    this.#digests = tokens.map(({ name, token }) => ({ name, digest: digest(token) }));
  }

  /** Digests are compared, so that the time reveals neither content nor length. @returns its name */
  nameOf(token: unknown): string | undefined {
    if (typeof token !== 'string') return undefined;
    const sent = digest(token);
    return this.#digests.filter((known) => timingSafeEqual(known.digest, sent))[0]?.name;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
