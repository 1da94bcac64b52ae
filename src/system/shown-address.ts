/** Query names whose values say which picture, not who fetches it. */
const harmlessNames = new Set(
  (
    'action audio bbox camera cameraid cam ch chan channel chn clock cmd codec compression count crop date enabled fmt ' +
    'format fps frame h height image index mode motion overview page preset profile proto q quality rate res resolution ' +
    'rotate rotation size snapshot source src stream streamid streamtype subtype text timestamp transport type unicast ' +
    'v version video w width'
  ).split(' '),
);

/** A colon stands in times only, not between a user and a password. */
const harmlessValue = /^(?:[\w.,-]{0,24}|[\d.:-]{0,24})$/;

/** Names of secrets, for text in which no address is left to go by. */
const secretName = /pass(?:w(?:or)?d|phrase)?|pwd|secret|token|api_?key|auth(?:orization)?|sig(?:nature)?/;

/**
 * An address as errors, logs and statuses may show it, well-formed or not: without user, password and fragment, and with
 * a query whose values are masked unless the name is known to be harmless.
 */
export function shownAddress(address: URL | string): string {
  const text = String(address).trim();
  const [, scheme = '', rest = ''] = /^([a-z][a-z\d+.-]*:\/\/)?(.*)$/is.exec(text) ?? [];
  const loginEnd = endOfLogin(text, rest);
  const [place = '', ...tail] = rest.slice(loginEnd).split(/(?=[?#])/);
  const login = loginEnd === 0 ? '' : '…@';
  return `${scheme}${login}${shownPath(place)}${shownTail(tail.join(''))}`;
}

/**
 * Text as it may be shown: its addresses by `shownAddress`, also those without a scheme that have a login or a query, and
 * what is given as `password=…` or `"password":"…"` elsewhere masked.
 */
export function shownText(text: string): string {
  return text
    .replaceAll(/[^\s"'<>“”]+/g, (word) => {
      const leading = leadingWord(word);
      const trailing = /[).,:;\]}]+$/.exec(word)?.[0] ?? '';
      const address = word.slice(leading.length, word.length - trailing.length);
      return isAddress(address) ? `${leading}${shownAddress(address)}${trailing}` : word;
    })
    .replaceAll(new RegExp(`(\\b(?:\\w*_)?(?:${secretName.source})=)[^\\s&"'<>…]+`, 'gi'), '$1…')
    .replaceAll(new RegExp(`("\\w*(?:${secretName.source})\\w*"\\s*:\\s*)"[^"]*"`, 'gi'), '$1"…"');
}

/** What stands before an address in a word: punctuation, or a name as in `url=http://camera`. */
function leadingWord(word: string): string {
  const schemeEnd = word.indexOf('://');
  if (schemeEnd < 0) return /^[([{,;]*/.exec(word)?.[0] ?? '';
  const scheme = /[a-z][a-z\d+.-]*$/i.exec(word.slice(Math.max(0, schemeEnd - 32), schemeEnd))?.[0] ?? '';
  return word.slice(0, schemeEnd - scheme.length);
}

function isAddress(word: string): boolean {
  if (word.includes('://')) return true;
  const [beforeQuery = '', query] = word.split('?', 2);
  const colon = beforeQuery.indexOf(':');
  const hasLogin = colon >= 0 && beforeQuery.includes('@', colon);
  return hasLogin || encodedAt.test(beforeQuery) || query?.includes('=') === true;
}

/** An @ that is percent-encoded, once or several times. */
const encodedAt = /%(?:25)*40/i;

/** @param rest the address without its scheme @returns where its host begins, after user and password; 0 without them */
function endOfLogin(text: string, rest: string): number {
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  const queryAt = rest.search(/[?#]/);
  // A password may hold any character where the address is not well-formed; a well-formed query may hold an @.
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const isParsed = parsed?.username === '' && parsed.password === '';
  // Digits up to the first ? or # may be a port, or the beginning of a password.
  const mayBePassword = /:\d*$/.test(authority) && queryAt === authority.length;
  const loginArea = isParsed && queryAt >= 0 && !mayBePassword ? rest.slice(0, queryAt) : rest;
  const at = loginArea.lastIndexOf('@');
  if (at >= 0) return at + 1;
  const encoded = [...authority.matchAll(new RegExp(encodedAt, 'gi'))].at(-1);
  return encoded ? encoded.index + encoded[0].length : 0;
}

/** Some cameras take the login in the path (`/user=admin_password=…_channel=1.sdp`), some a key (`/9yDq3kVb0RtXn2Lw`). */
function shownPath(place: string): string {
  const [host = '', ...segments] = place.split('/');
  const shown: string[] = [];
  for (const segment of segments) {
    for (const { 1: name = '', index } of segment.matchAll(/(?<![^=;&,])([^=;&,]*)=/g)) {
      if (isHarmless(name, '')) continue;
      return [host, ...shown, `${segment.slice(0, index)}${name}=…`].join('/');
    }
    // Another address may be a segment: `/proxy/rtsp%3A%2F%2Fuser%3Apassword%40camera`.
    const isSecret = encodedAt.test(segment) || isKey(segment) || isSecretName(shown.at(-1) ?? '');
    shown.push(isSecret ? '…' : segment);
  }
  return [host, ...shown].join('/');
}

function shownTail(tail: string): string {
  if (!tail.startsWith('?')) return tail === '' ? '' : '#…';
  const [query = '', ...fragments] = tail.slice(1).split('#');
  const parts = query.split(/([&;?])/).map((part) => {
    if (/^[&;?]?$/.test(part)) return part;
    const [name = '', ...values] = part.split('=');
    const value = values.join('=');
    if (isHarmless(name, value)) return part;
    if (value === '') return /^\d{1,4}$/.test(query) ? part : '…';
    return `${/^[\w.-]*$/.test(name) ? name : '…'}=…`;
  });
  return `?${parts.join('')}${fragments.length > 0 ? '#…' : ''}`;
}

/** Whether a path's segment names a secret that the next one holds: `/login/password/…`. */
function isSecretName(segment: string): boolean {
  return new RegExp(`^(?:${secretName.source})$`, 'i').test(segment);
}

function isHarmless(name: string, value: string): boolean {
  return harmlessNames.has(name.toLowerCase()) && harmlessValue.test(value) && !isKey(value, 8);
}

/** Random letters and digits, as stream keys and passwords have. @param least characters of one */
function isKey(text: string, least = 16): boolean {
  if (/^[\da-f-]{24,}$/i.test(text)) return true;
  if (/^(?=.*\d.*\d.*\d)(?=.*[a-f])[\da-f]{16,}$/i.test(text)) return true;
  return (
    text.length >= least &&
    /^[\w.,:-]+$/.test(text) &&
    /[a-z]/.test(text) &&
    /[A-Z]/.test(text) &&
    /\d/.test(text)
  );
}
