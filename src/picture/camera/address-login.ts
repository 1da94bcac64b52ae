/** A part of a login that stands in an address as `{user}` or `{password}`. */
export type LoginPart = 'user' | 'password';

/**
 * An address with its placeholders filled in, percent-encoded: the flow or file that holds the address holds no login.
 * @param given the part; throws where there is none
 */
export function fillLogin(address: string, given: (part: LoginPart) => string): string {
  return address.replaceAll(/\{(user|password)\}/g, (_placeholder, part: LoginPart) =>
    encodeURIComponent(given(part)),
  );
}
