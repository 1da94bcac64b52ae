// The inner loops of src/image/resize/resample.ts in AssemblyScript: `npm run build` compiles them to WebAssembly with SIMD.
// Addresses and sizes are bytes of the module's memory, which the caller lays out.
//
// A weight is a signed integer of 24 bits at most. `i32x4.dot_i16x8_s` multiplies 16-bit numbers and adds pairs, so a
// weight is split into high · 4096 + low, with 0 ≤ low < 4096, and the two sums are joined at the end. The result is
// exact: every sum is taken modulo 2³².

/** Pillow's `PRECISION_BITS`; a half is added before the shift, to round. */
const precisionBits: i32 = 22;
const half: i32 = 1 << (precisionBits - 1);
const lowBits: i32 = 12;

function joined(low: v128, high: v128): v128 {
  const sum = i32x4.add(i32x4.add(i32x4.splat(half), low), i32x4.shl(high, lowBits));
  return i32x4.shr_s(sum, precisionBits);
}

/**
 * One output row of the vertical pass.
 * @param input first input row; an even number of rows, `pairs` · 2, is read
 * @param stride bytes from an input row to the next
 * @param weights for each pair of rows: low and high parts, each two 16-bit numbers
 * @param bytes of the row, a multiple of 16
 */
export function addRows(
  input: usize,
  stride: usize,
  weights: usize,
  pairs: i32,
  output: usize,
  bytes: i32,
): void {
  for (let x: i32 = 0; x < bytes; x += 16) {
    let low0 = i32x4.splat(0);
    let low1 = low0;
    let low2 = low0;
    let low3 = low0;
    let high0 = low0;
    let high1 = low0;
    let high2 = low0;
    let high3 = low0;
    let row = input + <usize>x;
    let weight = weights;
    for (let pair: i32 = 0; pair < pairs; pair++) {
      const upper = v128.load(row);
      const lower = v128.load(row + stride);
      const left = i8x16.shuffle(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const right = i8x16.shuffle(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const low = v128.load32_splat(weight);
      const high = v128.load32_splat(weight, 4);
      const bytes0 = i16x8.extend_low_i8x16_u(left);
      const bytes1 = i16x8.extend_high_i8x16_u(left);
      const bytes2 = i16x8.extend_low_i8x16_u(right);
      const bytes3 = i16x8.extend_high_i8x16_u(right);
      low0 = i32x4.add(low0, i32x4.dot_i16x8_s(bytes0, low));
      low1 = i32x4.add(low1, i32x4.dot_i16x8_s(bytes1, low));
      low2 = i32x4.add(low2, i32x4.dot_i16x8_s(bytes2, low));
      low3 = i32x4.add(low3, i32x4.dot_i16x8_s(bytes3, low));
      high0 = i32x4.add(high0, i32x4.dot_i16x8_s(bytes0, high));
      high1 = i32x4.add(high1, i32x4.dot_i16x8_s(bytes1, high));
      high2 = i32x4.add(high2, i32x4.dot_i16x8_s(bytes2, high));
      high3 = i32x4.add(high3, i32x4.dot_i16x8_s(bytes3, high));
      row += stride << 1;
      weight += 8;
    }
    const words0 = i16x8.narrow_i32x4_s(joined(low0, high0), joined(low1, high1));
    const words1 = i16x8.narrow_i32x4_s(joined(low2, high2), joined(low3, high3));
    v128.store(output + <usize>x, i8x16.narrow_i16x8_u(words0, words1));
  }
}

/** Four pixels (12 bytes) as red, red, green, green, blue, blue, –, – of the first two, then of the other two. */
function pixelPairs(address: usize): v128 {
  return i8x16.shuffle(
    v128.load(address),
    i32x4.splat(0),
    0,
    3,
    1,
    4,
    2,
    5,
    16,
    16,
    6,
    9,
    7,
    10,
    8,
    11,
    16,
    16,
  );
}

/**
 * The horizontal pass of four rows, which share the weights. A row is read up to 16 bytes beyond its last pixel, and
 * written up to 1 byte beyond.
 * @param starts for each output pixel: the offset of its first input pixel in a row
 * @param weights for each output pixel and each four input pixels: low and high parts of the first two, then of the
 * other two, each two 16-bit numbers
 * @param quads input pixels of an output pixel, in fours
 */
export function addColumns(
  starts: usize,
  stride: usize,
  weights: usize,
  quads: i32,
  input: usize,
  output: usize,
  outputStride: usize,
  pixels: i32,
): void {
  let weight = weights;
  for (let x: i32 = 0; x < pixels; x++) {
    let at = input + <usize>load<u32>(starts + ((<usize>x) << 2));
    let low0 = i32x4.splat(0);
    let low1 = low0;
    let low2 = low0;
    let low3 = low0;
    let high0 = low0;
    let high1 = low0;
    let high2 = low0;
    let high3 = low0;
    for (let quad: i32 = 0; quad < quads; quad++) {
      const lowA = v128.load32_splat(weight);
      const highA = v128.load32_splat(weight, 4);
      const lowB = v128.load32_splat(weight, 8);
      const highB = v128.load32_splat(weight, 12);

      let bytes = pixelPairs(at);
      let a = i16x8.extend_low_i8x16_u(bytes);
      let b = i16x8.extend_high_i8x16_u(bytes);
      low0 = i32x4.add(low0, i32x4.add(i32x4.dot_i16x8_s(a, lowA), i32x4.dot_i16x8_s(b, lowB)));
      high0 = i32x4.add(high0, i32x4.add(i32x4.dot_i16x8_s(a, highA), i32x4.dot_i16x8_s(b, highB)));

      bytes = pixelPairs(at + stride);
      a = i16x8.extend_low_i8x16_u(bytes);
      b = i16x8.extend_high_i8x16_u(bytes);
      low1 = i32x4.add(low1, i32x4.add(i32x4.dot_i16x8_s(a, lowA), i32x4.dot_i16x8_s(b, lowB)));
      high1 = i32x4.add(high1, i32x4.add(i32x4.dot_i16x8_s(a, highA), i32x4.dot_i16x8_s(b, highB)));

      bytes = pixelPairs(at + 2 * stride);
      a = i16x8.extend_low_i8x16_u(bytes);
      b = i16x8.extend_high_i8x16_u(bytes);
      low2 = i32x4.add(low2, i32x4.add(i32x4.dot_i16x8_s(a, lowA), i32x4.dot_i16x8_s(b, lowB)));
      high2 = i32x4.add(high2, i32x4.add(i32x4.dot_i16x8_s(a, highA), i32x4.dot_i16x8_s(b, highB)));

      bytes = pixelPairs(at + 3 * stride);
      a = i16x8.extend_low_i8x16_u(bytes);
      b = i16x8.extend_high_i8x16_u(bytes);
      low3 = i32x4.add(low3, i32x4.add(i32x4.dot_i16x8_s(a, lowA), i32x4.dot_i16x8_s(b, lowB)));
      high3 = i32x4.add(high3, i32x4.add(i32x4.dot_i16x8_s(a, highA), i32x4.dot_i16x8_s(b, highB)));

      at += 12;
      weight += 16;
    }
    const words0 = i16x8.narrow_i32x4_s(joined(low0, high0), joined(low1, high1));
    const words1 = i16x8.narrow_i32x4_s(joined(low2, high2), joined(low3, high3));
    const four = i8x16.narrow_i16x8_u(words0, words1);
    const to = output + <usize>(x * 3);
    v128.store_lane<u32>(to, four, 0);
    v128.store_lane<u32>(to + outputStride, four, 1);
    v128.store_lane<u32>(to + 2 * outputStride, four, 2);
    v128.store_lane<u32>(to + 3 * outputStride, four, 3);
  }
}
