const month31 = '(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])';
const month30 = '(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)';
const february = '02-(?:0[1-9]|1\\d|2[0-8])';
/** Centuries without leap days are not told apart from those with one: neither gets one. */
const leapDay = '\\d\\d(?:0[48]|[2468][048]|[13579][26])-02-29';
const date = `(?:\\d{4}-(?:${month31}|${month30}|${february})|${leapDay})`;
const time = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)';
const hex = '[0-9a-f]';
const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';

const group = `${hex}{4}`;
const label = '[A-Za-z0-9]{1,20}(?:-[A-Za-z0-9]{1,20})?';
/** Of at most 133 characters. */
const host = `(?:${label}\\.){1,3}[A-Za-z]{2,10}`;
const local = '[A-Za-z0-9]{1,15}(?:[._+-][A-Za-z0-9]{1,15}){0,3}';
const path = '(?:/[A-Za-z0-9._~-]{1,30}){0,6}';
const query = '(?:\\?[A-Za-z0-9._~=&-]{1,60})?';
const clock = '(?:\\d{1,3}H(?:\\d{1,2}M)?(?:\\d{1,2}S)?|\\d{1,3}M(?:\\d{1,2}S)?|\\d{1,3}S)';

function uuid(version: number): string {
  return `^${hex}{8}-${group}-${version}${hex}{3}-[89ab]${hex}{3}-${hex}{12}$`;
}

/** Patterns of the strings that are written for a `format`: all of them are valid, though not all valid ones are written. */
export const stringFormats = {
  date: `^${date}$`,
  time: `^${time}$`,
  'date-time': `^${date}T${time}$`,
  duration: `^P(?:\\d{1,3}D(?:T${clock})?|T${clock})$`,
  uuid: `^${hex}{8}-${group}-${group}-${group}-${hex}{12}$`,
  email: `^${local}@${host}$`,
  uri: `^https?://${host}${path}${query}$`,
  hostname: `^${host}$`,
  ipv4: `^${octet}(?:\\.${octet}){3}$`,
  ipv6: `^(?:${hex}{1,4}:){7}${hex}{1,4}$`,
  // Of pydantic, not of JSON Schema.
  ipvanyaddress: `^${octet}(?:\\.${octet}){3}$`,
  uuid1: uuid(1),
  uuid3: uuid(3),
  uuid4: uuid(4),
  uuid5: uuid(5),
  uuid6: uuid(6),
  uuid7: uuid(7),
  uuid8: uuid(8),
} as const;

export type StringFormat = keyof typeof stringFormats;

/** Formats that allow every string. */
export const freeFormats: ReadonlySet<string> = new Set(['password', 'binary', 'path', 'json-string']);

/** Formats that JSON Schema defines; a library's own format only repeats the pattern beside it. */
export const standardFormats: ReadonlySet<string> = new Set(
  [
    [
      'date',
      'time',
      'date-time',
      'duration',
      'email',
      'idn-email',
      'hostname',
      'idn-hostname',
      'ipv4',
      'ipv6',
    ],
    ['uri', 'uri-reference', 'iri', 'iri-reference', 'uuid', 'uri-template', 'json-pointer'],
    ['relative-json-pointer', 'regex'],
  ].flat(),
);
