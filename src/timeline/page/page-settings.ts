/** What the page remembers in this browser; a browser that refuses storage has the defaults. */
export class PageSettings {
  readonly #prefix: string;

  /** @param path of the page: two timelines at one address keep their settings apart */
  constructor(path = location.pathname) {
    this.#prefix = `smolvlm-timeline${path.replaceAll('/', '-')}`;
  }

  get(name: string): string | undefined {
    try {
      return localStorage.getItem(`${this.#prefix}${name}`) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** @param value undefined removes it */
  set(name: string, value: string | undefined): void {
    try {
      if (value === undefined) localStorage.removeItem(`${this.#prefix}${name}`);
      else localStorage.setItem(`${this.#prefix}${name}`, value);
    } catch {
      // Private browsing: the setting holds until the page is closed.
    }
  }
}

/** The token of Node-RED's editor at an address, where somebody has logged in there. */
export function editorToken(adminPath: string): string | undefined {
  try {
    const suffix = adminPath.slice(0, -1).replaceAll('/', '-');
    const stored: unknown = JSON.parse(localStorage.getItem(`auth-tokens${suffix}`) ?? 'null');
    const token = (stored as { access_token?: unknown } | null)?.access_token;
    return typeof token === 'string' ? token : undefined;
  } catch {
    return undefined;
  }
}
