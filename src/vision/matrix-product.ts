/**
 * x · wᵀ (+ bias): a linear layer in plain JavaScript, for hosts without onnxruntime.
 * Both operands are read along their rows; 4 × 4 results at a time keep 16 sums in registers.
 * @param x [rows, inner] @param w [outs, inner], as a checkpoint stores it @param bias [outs]
 * @returns [rows, outs], summed in double precision
 */
export function matrixProduct(
  x: Float32Array,
  w: Float32Array,
  inner: number,
  bias?: Float32Array,
): Float32Array {
  const rows = x.length / inner;
  const outs = w.length / inner;
  const result = new Float32Array(rows * outs);
  const blockedRows = rows - (rows % 4);
  const blockedOuts = outs - (outs % 4);
  for (let row = 0; row < blockedRows; row += 4) {
    for (let out = 0; out < blockedOuts; out += 4) block4x4(x, w, inner, row, out, result, outs);
  }
  for (let row = 0; row < rows; row++) {
    for (let out = row < blockedRows ? blockedOuts : 0; out < outs; out++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += (x[row * inner + k] as number) * (w[out * inner + k] as number);
      result[row * outs + out] = sum;
    }
  }
  if (bias) addToRows(result, bias);
  return result;
}

/** Adds a vector to every row, in place. @param matrix [rows, vector.length] */
export function addToRows(matrix: Float32Array, vector: Float32Array): void {
  const width = vector.length;
  for (let begin = 0; begin < matrix.length; begin += width) {
    for (let column = 0; column < width; column++) {
      matrix[begin + column] = (matrix[begin + column] as number) + (vector[column] as number);
    }
  }
}

function block4x4(
  x: Float32Array,
  w: Float32Array,
  inner: number,
  row: number,
  out: number,
  result: Float32Array,
  outs: number,
): void {
  const [x0, x1, x2, x3] = [row * inner, (row + 1) * inner, (row + 2) * inner, (row + 3) * inner];
  const [w0, w1, w2, w3] = [out * inner, (out + 1) * inner, (out + 2) * inner, (out + 3) * inner];
  let [s00, s01, s02, s03, s10, s11, s12, s13] = [0, 0, 0, 0, 0, 0, 0, 0];
  let [s20, s21, s22, s23, s30, s31, s32, s33] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let k = 0; k < inner; k++) {
    const b0 = w[w0 + k] as number;
    const b1 = w[w1 + k] as number;
    const b2 = w[w2 + k] as number;
    const b3 = w[w3 + k] as number;
    const a0 = x[x0 + k] as number;
    s00 += a0 * b0;
    s01 += a0 * b1;
    s02 += a0 * b2;
    s03 += a0 * b3;
    const a1 = x[x1 + k] as number;
    s10 += a1 * b0;
    s11 += a1 * b1;
    s12 += a1 * b2;
    s13 += a1 * b3;
    const a2 = x[x2 + k] as number;
    s20 += a2 * b0;
    s21 += a2 * b1;
    s22 += a2 * b2;
    s23 += a2 * b3;
    const a3 = x[x3 + k] as number;
    s30 += a3 * b0;
    s31 += a3 * b1;
    s32 += a3 * b2;
    s33 += a3 * b3;
  }
  const target = row * outs + out;
  result.set([s00, s01, s02, s03], target);
  result.set([s10, s11, s12, s13], target + outs);
  result.set([s20, s21, s22, s23], target + 2 * outs);
  result.set([s30, s31, s32, s33], target + 3 * outs);
}
