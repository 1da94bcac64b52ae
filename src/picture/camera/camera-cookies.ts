/** Cookies of one request and its redirects, each for the origin that set it: some cameras redirect until theirs comes back. */
export class CameraCookies {
  /** By origin, then by name. */
  readonly #kept = new Map<string, Map<string, string>>();

  /** @param lines of `Set-Cookie` (RFC 6265, 5.2); only `Max-Age` and `Expires` in the past are considered */
  keep({ origin }: URL, lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^\s*([^=;\s]+)\s*=\s*([^;]*)/.exec(line) ?? [];
      if (name === '') continue;
      const cookies = this.#kept.get(origin) ?? new Map<string, string>();
      this.#kept.set(origin, cookies);
      if (isOver(line)) cookies.delete(name);
      else cookies.set(name, value.replaceAll(/\p{Cc}/gu, '').trim());
    }
  }

  /** The `Cookie` header for an address; undefined if there is nothing to send. */
  header({ origin }: URL): string | undefined {
    const cookies = this.#kept.get(origin);
    if (!cookies?.size) return undefined;
    return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}

/** `Max-Age` goes before `Expires`. */
function isOver(line: string): boolean {
  const age = /;\s*max-age\s*=\s*(-?\d+)/i.exec(line)?.[1];
  if (age !== undefined) return Number(age) <= 0;
  return Date.parse(/;\s*expires\s*=\s*([^;]+)/i.exec(line)?.[1] ?? '') <= Date.now();
}
