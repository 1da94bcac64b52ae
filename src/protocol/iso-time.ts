/** A day with a time, at least to the minute; the time zone may be absent, as in Python's `isoformat`. */
const isoTime =
  /^((?:\d{4}|[+-]\d{6})-\d\d-(\d\d))[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?$/i;

/** Whether a text is a time in ISO 8601, of a day that exists. */
export function isIsoTime(text: string): boolean {
  const [, date, day] = isoTime.exec(text) ?? [];
  return date !== undefined && new Date(`${date}T00:00:00Z`).getUTCDate() === Number(day);
}
