const secondMs = 1_000;
const dayMs = 86_400_000;

/**
 * When a picture was taken, by the camera's `Last-Modified`. Its clock is often wrong, so the picture's age is counted by
 * that clock, up to `Date`. Without `Date` a time of the past day is used unchanged, and any other is ignored.
 * @param now milliseconds since 1970 @returns undefined if the camera says nothing that can be true
 */
export function pictureTime(
  headers: ReadonlyMap<string, readonly string[]>,
  now: number,
): number | undefined {
  const time = (name: string): number => Date.parse(headers.get(name)?.[0] ?? '');
  const modifiedAt = time('last-modified');
  const sentAt = time('date');
  // Both are whole seconds: a picture of now may look a second old.
  if (sentAt >= modifiedAt) return now - Math.max(0, sentAt - modifiedAt - secondMs);
  if (Number.isNaN(sentAt) && modifiedAt <= now && now - modifiedAt <= dayMs) return modifiedAt;
  return undefined;
}
