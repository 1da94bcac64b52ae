/**
 * The beginning and the end of a day of this machine's time zone, which may have 23 or 25 hours.
 * @param day `2026-11-27` @returns milliseconds since 1970, the end exclusive; undefined if the day does not exist
 */
export function dayTimes(day: string): { readonly from: number; readonly to: number } | undefined {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day) ?? [];
  const from = new Date(Number(year), Number(month) - 1, Number(date));
  if (
    Number.isNaN(from.getTime()) ||
    from.getDate() !== Number(date) ||
    from.getMonth() !== Number(month) - 1
  ) {
    return undefined;
  }
  const to = new Date(from);
  to.setDate(to.getDate() + 1);
  return { from: from.getTime(), to: to.getTime() };
}
