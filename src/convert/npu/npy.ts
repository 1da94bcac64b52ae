/**
 * A float32 tensor as an .npy file, version 1.0 (numpy.lib.format): magic, version, length of the header, the
 * header as a Python literal padded so that the data starts at a multiple of 64 bytes, then the values.
 * @param shape outermost first
 */
export function npy(values: Float32Array, shape: readonly number[]): Uint8Array {
  const literal = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const prefixBytes = 10;
  const total = Math.ceil((prefixBytes + literal.length + 1) / 64) * 64;
  const header = Buffer.alloc(total, ' ');
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(total - prefixBytes, 8);
  header.write(literal, prefixBytes, 'latin1');
  header.write('\n', total - 1, 'latin1');
  return Buffer.concat([header, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)]);
}
