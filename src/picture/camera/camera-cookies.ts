/** Cookies of one request and its redirects, each for the origin that set it: some cameras redirect until theirs comes back. */
export class CameraCookies {
  /** By origin, then by name. */
  readonly #kept = new Map<string, Map<string, string>>();

  /** @param lines of `Set-Cookie` (RFC 6265, 5.2); attributes other than a time in the past are not considered */
  keep({ origin }: URL, lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^\s*([^=;\s]+)\s*=\s*([^;]*)/.exec(line) ?? [];
      if (name === '') continue;
      const cookies = this.#kept.get(origin) ?? new Map<string, string>();
      this.#kept.set(origin, cookies);
      if (/;\s*max-age\s*=\s*(?:0|-\d+)\s*(?:;|$)/i.test(line)) cookies.delete(name);
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
