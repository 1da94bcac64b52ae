/**
 * A SHA-256 fingerprint as people copy it: digits in either case, with colons or spaces.
 * @returns its 64 hexadecimal digits in upper case; undefined for anything else
 */
export function fingerprintDigits(text: string): string | undefined {
  const digits = text.replaceAll(/[^\da-f]/gi, '').toUpperCase();
  return digits.length === 64 ? digits : undefined;
}
