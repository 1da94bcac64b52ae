/**
 * The name that somebody probably meant.
 * @param known names that would work
 * @returns undefined if the name is known, or resembles none
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name === '' || known.includes(name) || /^[~./\\]/.test(name)) return undefined;
  const simple = (text: string): string => text.toLowerCase().replaceAll(/[^a-z\d]/g, '');
  const wanted = simple(name);
  const ranked = known
    .map((each) => {
      const own = simple(each.slice(each.indexOf('/') + 1));
      const distance = Math.min(editDistance(wanted, simple(each)), editDistance(wanted, own));
      // A part of the name, such as 500m, is not a mistake in it.
      return { each, distance: wanted.length >= 3 && own.includes(wanted) ? 1 : distance };
    })
    .sort((one, other) => one.distance - other.distance);
  const [best] = ranked;
  return best && best.distance <= Math.max(2, wanted.length / 3) ? best.each : undefined;
}

/** Letters to insert, remove or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
