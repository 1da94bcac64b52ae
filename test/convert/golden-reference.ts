import { ValidationReference } from '../../src/convert/npu/reference-activations';
import { float32Tensor, writeSafetensors } from '../../src/model/safetensors/safetensors-writer';
import { visionStages } from '../../src/onnx/vision/vision-stages';
import { fixture } from '../fixtures';
import { goldenTensors } from '../model/safetensors/safetensors-fixture';

export const goldenCheckpoint = fixture('goldens', 'tiny-idefics3');

/** The goldens' activations of the photo's global tile, as a reference of one tile. */
export async function goldenReference(path: string): Promise<ValidationReference> {
  const golden = goldenTensors('tiny-idefics3', 'activations');
  const names = ['embeddings', ...visionStages(12, 'half-layer').map(({ name }) => name)];
  const tensors = await Promise.all(
    names.map(async (name) => {
      const values = await golden.read(name);
      const [tiles = 1, tokens = 0, width = 0] = golden.shape(name);
      const tile = values.slice((tiles - 1) * tokens * width);
      return float32Tensor(name, [1, tokens, width], tile);
    }),
  );
  await writeSafetensors(path, tensors);
  return ValidationReference.open(path);
}
