import { join } from 'node:path';
import { SafetensorsFile } from '../safetensors/safetensors';
import type { TensorSource } from '../safetensors/tensor-source';
import { BundleError, verifyBundleFile } from './bundle-file';
import type { Bundle } from './read-bundle';

/** The tensors that the host needs around the stages, by their names in `host.safetensors` and in a checkpoint. */
export const hostTensors = {
  patchProjection: 'vision_model.embeddings.patch_embedding',
  positions: 'vision_model.embeddings.position_embedding.weight',
  postLayerNorm: 'vision_model.post_layernorm',
  connectorProjection: 'connector.modality_projection.proj',
  /** [vocabulary, text width]: rows are read one token at a time. */
  tokenEmbeddings: 'text_model.embed_tokens.weight',
} as const;

/** Every tensor of `host.safetensors`. */
export const hostTensorNames: readonly string[] = [
  `${hostTensors.patchProjection}.weight`,
  `${hostTensors.patchProjection}.bias`,
  hostTensors.positions,
  `${hostTensors.postLayerNorm}.weight`,
  `${hostTensors.postLayerNorm}.bias`,
  `${hostTensors.connectorProjection}.weight`,
  hostTensors.tokenEmbeddings,
];

/** A bundle's host tensors, read by range; the caller closes it. */
export class HostTensors implements TensorSource {
  readonly #file: SafetensorsFile;

  private constructor(file: SafetensorsFile) {
    this.#file = file;
  }

  /** @throws BundleError when the file is missing or changed, or the bundle is a folder of shards alone */
  static async open({ dir, manifest }: Bundle): Promise<HostTensors> {
    if (!manifest.host) {
      throw new BundleError('bundle-host-missing', `${dir} contains only shards, no host tensors`, {
        hint: 'Give the checkpoint they were made from as well (--checkpoint).',
      });
    }
    await verifyBundleFile(dir, manifest.host);
    return new HostTensors(await SafetensorsFile.open(join(dir, manifest.host.path)));
  }

  shape(name: string): readonly number[] {
    return this.#file.entry(name).shape;
  }

  read(name: string): Promise<Float32Array> {
    return this.#file.read(name);
  }

  readRows(name: string, begin: number, end: number): Promise<Float32Array> {
    const { elements, shape } = this.#file.entry(name);
    const rowElements = elements / (shape[0] ?? 1);
    return this.#file.read(name, begin * rowElements, end * rowElements);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
