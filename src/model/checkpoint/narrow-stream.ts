/** Width of a residual stream below which weights in 8 bits gain no time: in float32 they fit into a CPU's cache. */
const leastQuantisedWidth = 512;

/**
 * Whether int8 leaves weights in float32 that it quantises otherwise: all of a decoder, the MLPs of a vision tower
 * (docs/decisions/conversion.md).
 * @param width of the residual stream
 */
export function isNarrow(width: number): boolean {
  return width < leastQuantisedWidth;
}
