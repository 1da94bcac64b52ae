import { shownAddress, shownText } from '../../system/shown-address';
import { ImageError } from '../image-error';
import { isPictureHead } from './content-encoding';

const longestText = 64 * 1024;

const refused =
  /log ?in (?:failed|error|required)|please log ?in|not (?:logged in|authori[sz]ed)|unauthori[sz]ed|(?:invalid|wrong|bad|incorrect|error) (?:user|username|password|credentials?|login)|(?:user|username|password|credentials?)(?: or password)? (?:is |are )?(?:invalid|wrong|incorrect|error)|authenticat\w+ (?:failed|error|required)|password ?error|access denied|permission denied|(?:user|account) (?:is )?lock(?:ed)?|<result>-[23]<\/result>/i;

/** The words by which an answer without a picture refuses a login, e.g. Reolink's `login failed` with status 200. */
export function refusalIn(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > longestText || isPictureHead(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  const isPage = /<html|<!doctype html/i.test(text);
  if (isPage && /type\s*=\s*["']?password/i.test(text)) return 'a page that asks for a password';
  return refused
    .exec(isPage ? (/<title[^>]*>[^<]*/i.exec(text)?.[0] ?? '') : text)?.[0]
    .replace(/^<title[^>]*>/, '');
}

export function loginRefused(url: URL, words: string): ImageError {
  return new ImageError('image-login', `${shownAddress(url)} refuses the login: ${words}`, {
    hint: 'Check user and password, and that this user may see the picture.',
  });
}

/** Printable text of an answer, short enough for an error. */
export function excerptOf(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 2000)).toString('utf8');
  const plain = (/<title[^>]*>([^<]*)/i.exec(text)?.[1] ?? text.replaceAll(/<[^>]*>/g, ' '))
    .replaceAll(/\s+/g, ' ')
    .trim();
  return plain === '' || /[\0\ufffd]/.test(plain) ? undefined : shownText(plain.slice(0, 80));
}
