/**
 * Width of a residual stream from which weights in 8 bits save time: at 128 they save none, since they fit into a CPU's cache in
 * float32, too; at 256 a step takes less than half (docs/decisions/conversion.md).
 */
const leastQuantisedWidth = 256;

/**
 * Whether int8 leaves weights in float32 that it quantises otherwise: all of a decoder, the MLPs of a vision tower.
 * @param width of the residual stream
 */
export function isNarrow(width: number): boolean {
  return width < leastQuantisedWidth;
}
