const gibibyte = 1024 ** 3;
const mebibyte = 1024 ** 2;

/** e.g. `7.6 GiB`, `256 MiB`. */
export function bytesText(bytes: number): string {
  return bytes >= gibibyte ? `${(bytes / gibibyte).toFixed(1)} GiB` : `${Math.round(bytes / mebibyte)} MiB`;
}

/** e.g. `1.8 GHz`, `528 MHz`. */
export function hertzText(hertz: number): string {
  return hertz >= 1e9 ? `${Number((hertz / 1e9).toFixed(2))} GHz` : `${Math.round(hertz / 1e6)} MHz`;
}
