const month31 = '(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])';
const month30 = '(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)';
const february = '02-(?:0[1-9]|1\\d|2[0-8])';
/** Centuries without leap days are not told apart from those with one: neither gets one. */
const leapDay = '\\d\\d(?:0[48]|[2468][048]|[13579][26])-02-29';
const date = `(?:\\d{4}-(?:${month31}|${month30}|${february})|${leapDay})`;
const time = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)';
const hex = '[0-9a-f]';
const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';

/** Patterns of the strings that are written for a `format`: all of them are valid, though not all valid ones are written. */
export const stringFormats = {
  date: `^${date}$`,
  time: `^${time}$`,
  'date-time': `^${date}T${time}$`,
  uuid: `^${hex}{8}-${hex}{4}-${hex}{4}-${hex}{4}-${hex}{12}$`,
  email: '^[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\\.)+[A-Za-z]{2,}$',
  ipv4: `^${octet}(?:\\.${octet}){3}$`,
} as const;

export type StringFormat = keyof typeof stringFormats;
