/** The tensors the host computes with around the stages, by their names in `host.safetensors` and in a checkpoint. */
export const hostTensors = {
  patchProjection: 'vision_model.embeddings.patch_embedding',
  positions: 'vision_model.embeddings.position_embedding.weight',
  postLayerNorm: 'vision_model.post_layernorm',
  connectorProjection: 'connector.modality_projection.proj',
} as const;
