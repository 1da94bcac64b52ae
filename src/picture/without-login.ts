/** Text as it may be shown, with no user and password in the addresses it holds, well-formed or not. */
export function withoutLogin(text: string): string {
  return text.replaceAll(/\/\/\S*@/g, '//…@');
}
