/** A secret by the place it was typed into. No two are parts of each other. */
export const planted = new Map<string, string>();

export function plant(place: string): string {
  const secret = `Zq${planted.size}x${place.replaceAll(/[^a-z]/gi, '')}Wy${planted.size}`;
  planted.set(place, secret);
  return secret;
}

/** A password as people choose it; its planted part is found however the rest is written. */
export function odd(secret: string): string {
  return `%@:ü/ ${secret}"&?#`;
}

/** How a text may hold a secret: as it is, in an address, in base64. */
export function spellings(secret: string): readonly string[] {
  return [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').slice(0, -4)];
}

/** What a person typed openly into an address is in the flow they export; every credential is not. */
export function withoutTyped(text: string): string {
  return [...planted]
    .filter(([place]) => place.startsWith('openly typed'))
    .reduce((rest, [, secret]) => rest.replaceAll(secret, ''), text);
}

export function lineWith(text: string, secret: string): string {
  return (
    text
      .split('\n')
      .find((line) => spellings(secret).some((each) => line.includes(each)))
      ?.slice(0, 300) ?? ''
  );
}
