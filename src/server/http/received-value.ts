/** Characters of a received value that are shown. */
const shownCharacters = 60;

/** What was received, in an error. @param keyword of the schema that it does not match */
export function receivedValue(keyword: string | undefined, data: unknown): unknown {
  if (/Items$/.test(keyword ?? '') && Array.isArray(data)) return data.length;
  if (/Length$/.test(keyword ?? '') && typeof data === 'string') return data.length;
  if (Array.isArray(data)) return 'a list';
  if (typeof data === 'object' && data !== null) return 'an object';
  if (typeof data !== 'string') return String(data);
  return JSON.stringify(data.length > shownCharacters ? `${data.slice(0, shownCharacters)}…` : data);
}
