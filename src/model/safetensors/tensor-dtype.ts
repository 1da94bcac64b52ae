/** Number formats of safetensors, with their bytes per element. */
export const dtypeBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

export type TensorDtype = keyof typeof dtypeBytes;

const decoders = {
  BF16: decodeBfloat16,
  F16: decodeFloat16,
  F32: decodeFloat32,
  I8: (bytes: Uint8Array, out: Float32Array) =>
    out.set(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)),
  U8: (bytes: Uint8Array, out: Float32Array) => out.set(bytes),
} satisfies Partial<Record<TensorDtype, (bytes: Uint8Array, out: Float32Array) => void>>;

/** Formats whose values can be converted to float32. */
export type FloatReadableDtype = keyof typeof decoders;

export function isDtype(name: unknown): name is TensorDtype {
  return typeof name === 'string' && Object.hasOwn(dtypeBytes, name);
}

export function isFloatReadable(dtype: TensorDtype): dtype is FloatReadableDtype {
  return Object.hasOwn(decoders, dtype);
}

/**
 * Converts little-endian elements to float32, exactly.
 * @param bytes whole elements, aligned to their size @param out as many elements
 */
export function decodeToFloat32(dtype: FloatReadableDtype, bytes: Uint8Array, out: Float32Array): void {
  decoders[dtype](bytes, out);
}

function decodeBfloat16(bytes: Uint8Array, out: Float32Array): void {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] ?? 0) << 16;
}

function decodeFloat32(bytes: Uint8Array, out: Float32Array): void {
  out.set(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
}

function decodeFloat16(bytes: Uint8Array, out: Float32Array): void {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const table = float16Table();
  for (let i = 0; i < halves.length; i++) out[i] = table[halves[i] ?? 0] ?? 0;
}

let float16Values: Float32Array | undefined;

/** The value of each of the 65536 half floats (IEEE 754 binary16). */
function float16Table(): Float32Array {
  if (float16Values) return float16Values;
  const table = new Float32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Number.POSITIVE_INFINITY
            : Number.NaN
          : (1 + fraction / 1024) * 2 ** (exponent - 15);
    table[half] = half & 0x8000 ? -magnitude : magnitude;
  }
  float16Values = table;
  return table;
}
