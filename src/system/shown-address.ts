/** Query names whose values say which picture, not who fetches it. */
const harmlessNames = new Set(
  (
    'action audio bbox camera cameraid cam ch chan channel chn clock cmd codec compression count crop date enabled fmt ' +
    'format fps frame h height image index mode motion overview page preset profile proto q quality rate res resolution ' +
    'rotate rotation size snapshot source src stream streamid streamtype subtype text timestamp transport type unicast ' +
    'v version video w width'
  ).split(' '),
);

const harmlessValue = /^[\w.,:-]{0,24}$/;

/** Names of secrets, for text in which no address is left to go by. */
const secretName = /pass(?:w(?:or)?d|phrase)?|pwd|secret|token|api_?key|auth(?:orization)?|sig(?:nature)?/;

/**
 * An address as errors, logs and statuses may show it, well-formed or not: without user, password and fragment, and with
 * a query whose values are masked unless the name is known to be harmless.
 */
export function shownAddress(address: URL | string): string {
  const text = String(address).trim();
  const [, scheme = '', rest = ''] = /^([a-z][a-z\d+.-]*:\/\/)?(.*)$/is.exec(text) ?? [];
  // A password may hold any character where the address is not well-formed; a well-formed query may hold an @.
  const isParsed = URL.canParse(text) && new URL(text).username === '' && new URL(text).password === '';
  const queryAt = rest.search(/[?#]/);
  const loginArea = isParsed && queryAt >= 0 ? rest.slice(0, queryAt) : rest;
  const at = loginArea.lastIndexOf('@');
  const [place = '', ...tail] = rest.slice(at + 1).split(/(?=[?#])/);
  const login = at < 0 ? '' : '…@';
  return `${scheme}${login}${shownPath(place)}${shownTail(tail.join(''))}`;
}

/** Text as it may be shown: its addresses by `shownAddress`, and what is given as `password=…` elsewhere masked. */
export function shownText(text: string): string {
  return text
    .replaceAll(/[a-z][a-z\d+.-]*:\/\/[^\s"'<>“”]+/gi, (address) => {
      const trailing = /[).,:;\]}]+$/.exec(address)?.[0] ?? '';
      return `${shownAddress(address.slice(0, address.length - trailing.length))}${trailing}`;
    })
    .replaceAll(new RegExp(`(\\b(?:\\w*_)?(?:${secretName.source})=)[^\\s&"'<>…]+`, 'gi'), '$1…');
}

/** Some cameras take the login in the path (`/user=admin_password=…_channel=1.sdp`), some a key (`/9yDq3kVb0RtXn2Lw`). */
function shownPath(place: string): string {
  const [host = '', ...segments] = place.split('/');
  const shown: string[] = [];
  for (const segment of segments) {
    for (const { 1: name = '', index } of segment.matchAll(/([^=;&,]*)=/g)) {
      if (isHarmless(name, '')) continue;
      return [host, ...shown, `${segment.slice(0, index)}${name}=…`].join('/');
    }
    shown.push(isKey(segment) ? '…' : segment);
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
    if (value === '') return /^\d{1,4}$/.test(part) ? part : '…';
    return `${/^[\w.-]*$/.test(name) ? name : '…'}=…`;
  });
  return `?${parts.join('')}${fragments.length > 0 ? '#…' : ''}`;
}

function isHarmless(name: string, value: string): boolean {
  return harmlessNames.has(name.toLowerCase()) && harmlessValue.test(value) && !isKey(value, 8);
}

/** Random letters and digits, as stream keys and passwords have. @param least characters of one */
function isKey(text: string, least = 16): boolean {
  if (/^[\da-f-]{24,}$/i.test(text)) return true;
  return (
    text.length >= least &&
    /^[\w.,:-]+$/.test(text) &&
    /[a-z]/.test(text) &&
    /[A-Z]/.test(text) &&
    /\d/.test(text)
  );
}
