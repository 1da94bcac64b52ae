import { shownAddress, shownText } from '../../system/shown-address';
import { ImageError } from '../image-error';
import { isPictureHead } from './content-encoding';

const longestText = 64 * 1024;

const refused = new RegExp(
  [
    /log ?in (?:failed|error|required|first)|please (?:log|sign) ?in|need(?:s)? (?:to )?log ?in/,
    /not (?:logged in|authori[sz]ed|authenticated)|unauthori[sz]ed|access denied|permission denied|no (?:permission|privilege|authority)/,
    /(?:invalid|wrong|bad|incorrect|illegal|error) (?:user|username|password|credentials?|login|authority|session|token)/,
    /(?:user|username|password|credentials?)(?: or password)? (?:is |are )?(?:invalid|not valid|not correct|wrong|incorrect|error)/,
    /authenticat\w+ (?:failed|failure|error|required)|password ?error|session (?:expired|invalid|timeout)/,
    /(?:user|account) (?:is )?lock(?:ed)?|<result>-[23]<\/result>/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);

/** How pages name their login, in the languages of common firmware. */
const loginWords =
  /\b(?:log ?in|log ?on|sign ?in|anmelden|anmeldung|connexion|iniciar sesi|accedi)\b|登录|登陆/i;

/** The words by which an answer without a picture refuses a login, e.g. Reolink's `login failed` with status 200. */
export function refusalIn(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > longestText || isPictureHead(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  return /<html|<!doctype html/i.test(text) ? pageRefusal(text) : refused.exec(text)?.[0];
}

function pageRefusal(page: string): string | undefined {
  if (/type\s*=\s*["']?password/i.test(page)) return 'a page that asks for a password';
  const title = /<title[^>]*>([^<]*)/i.exec(page)?.[1]?.trim() ?? '';
  const words = refused.exec(title)?.[0];
  if (words !== undefined || !loginWords.test(page)) return words;
  return title === '' ? 'a login page' : `a login page titled "${shownText(title.slice(0, 80))}"`;
}

export function loginRefused(url: URL, words: string): ImageError {
  const isPage = /\bpage\b/.test(words);
  return new ImageError('image-login', `${shownAddress(url)} refuses the login: ${words}`, {
    hint: isPage
      ? 'This is the camera’s own page: look its snapshot address up in the manual, and check user and password.'
      : 'Check user and password, and that this user may see the picture.',
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
