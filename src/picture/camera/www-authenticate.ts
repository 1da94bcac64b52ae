/** One login that a server offers. Names of parameters are in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const schemes =
  /^(basic|digest|bearer|negotiate|ntlm|hoba|mutual|scram-sha-1|scram-sha-256|vapid|dpop|wsse)$/i;

/**
 * The challenges of all `WWW-Authenticate` headers (RFC 9110, 11.6.1), several in a header included. A word that is not a
 * known scheme belongs to the value before it: some cameras leave out the quotes (`realm=IP Camera`).
 */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const parts = /([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"?|([^\s,"]*))|([^\s,;="]+)/g;
  for (const header of headers) {
    let last: string | undefined;
    for (const [, name, quoted, token, word] of header.matchAll(parts)) {
      const challenge = challenges.at(-1);
      if (word !== undefined && schemes.test(word)) {
        challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
        last = undefined;
      } else if (word !== undefined && last !== undefined && challenge) {
        challenge.parameters.set(last, `${challenge.parameters.get(last) ?? ''} ${word}`);
      } else if (name !== undefined && challenge && !challenge.parameters.has(name.toLowerCase())) {
        const value = quoted === undefined ? (token ?? '') : quoted.replaceAll(/\\(.)/g, '$1');
        last = quoted === undefined ? name.toLowerCase() : undefined;
        challenge.parameters.set(name.toLowerCase(), value);
      }
    }
  }
  return challenges;
}
