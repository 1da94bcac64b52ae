/** IEEE 754 binary16, the format of the NPU's native tensors. */

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** Every half-precision value, by its bits. */
let table: Float32Array | undefined;

/** Rounds to nearest, ties to even; beyond ±65,504 to infinity. */
export function toHalf(values: Float32Array, out: Uint16Array): void {
  for (let index = 0; index < values.length; index++) out[index] = halfBits(values[index] ?? 0);
}

/** Exact. */
export function fromHalf(halves: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 65_536 }, (_, half) => halfValue(half));
  const values = new Float32Array(halves.length);
  for (let index = 0; index < halves.length; index++) values[index] = table[halves[index] ?? 0] ?? 0;
  return values;
}

function halfBits(value: number): number {
  floats[0] = value;
  const word = bits[0] ?? 0;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fff_ffff;
  if (magnitude > 0x7f80_0000) return sign | 0x7e00;
  // 65,520 and more round to infinity.
  if (magnitude >= 0x477f_f000) return sign | 0x7c00;
  if (magnitude < 0x3880_0000) {
    // Subnormal: a multiple of 2^-24; below half of it, 0.
    const scaled = Math.abs(value) * 2 ** 24;
    const whole = Math.floor(scaled);
    const rest = scaled - whole;
    return sign | (whole + (rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? 1 : 0));
  }
  // The exponent's bias changes by 112; a carry of the rounding moves into it.
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded >>> 13) - (112 << 10));
}

function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
