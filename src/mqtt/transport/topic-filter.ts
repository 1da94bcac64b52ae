/** Whether a topic falls under a filter with `+` for one level and `#` for all that follow. */
export function matchesFilter(filter: string, topic: string): boolean {
  const levels = topic.split('/');
  const wanted = filter.split('/');
  const fits = wanted.every((level, index) => level === '#' || level === '+' || level === levels[index]);
  return (
    fits && (wanted.at(-1) === '#' ? levels.length >= wanted.length - 1 : levels.length === wanted.length)
  );
}
