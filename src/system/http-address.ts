/** Whether a text begins as an http(s) address does; `http:host` is one to a browser, too. */
export function beginsAsHttpAddress(text: string): boolean {
  return /^https?:/i.test(text);
}

/** @returns undefined if the text is not an http(s) address */
export function parseHttpAddress(text: string): URL | undefined {
  return beginsAsHttpAddress(text) && URL.canParse(text) ? new URL(text) : undefined;
}
