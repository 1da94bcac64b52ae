import { types } from 'node:util';

/** Smaller numbers are seconds, as Frigate and MQTT often send: as milliseconds they would be before March 1973. */
const leastMs = 1e11;
/** The last moment that a Date can hold. */
const mostMs = 8.64e15;

/** @param value a Date, ISO text, or a number (or its digits) of seconds or milliseconds @returns milliseconds since 1970 */
export function timeOf(value: unknown): number | undefined {
  // A function node's Date is of another realm: `instanceof` does not find it.
  if (types.isDate(value)) return bounded(value.getTime());
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return undefined;
  const number = Number(value);
  if (Number.isNaN(number)) return bounded(Date.parse(String(value)));
  return bounded(Math.abs(number) < leastMs ? number * 1000 : number);
}

function bounded(ms: number): number | undefined {
  return Math.abs(ms) <= mostMs ? Math.round(ms) : undefined;
}
