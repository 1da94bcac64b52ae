/**
 * Named tensors that are read on request: what graph building needs of a checkpoint.
 * Names are a checkpoint's without the leading `model.`, e.g. `vision_model.post_layernorm.weight`.
 * Every method throws for a tensor that is missing.
 */
export interface TensorSource {
  /** @returns sizes, outermost first, e.g. [out, in] for a linear layer's weight */
  shape(name: string): readonly number[];
  /** @returns the whole tensor as float32, row-major */
  read(name: string): Promise<Float32Array>;
  /** @returns rows `begin` to `end` (not included) of the outermost axis as float32 */
  readRows(name: string, begin: number, end: number): Promise<Float32Array>;
}
