import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import { equalisedVision } from '../../onnx/vision/equalised-vision';
import type { NpuStageOptions } from '../../onnx/vision/npu-vision-stage';
import type { NpuTarget } from '../../protocol/models/conversion-choices';
import { visionGraphShape } from '../bundle/bundle-build';
import type { NpuTower } from './npu-stage-build';
import type { ReferenceActivations } from './reference-activations';

/**
 * What a tower's stages are built from. Its channels are equalised, because INT8 has one range for a whole activation.
 * @param activations of frames; absent when no stage is INT8
 */
export async function npuTower(
  { config, tensors }: Checkpoint,
  activations: Pick<ReferenceActivations, 'calibration'> | undefined,
  options: NpuStageOptions & { readonly target: NpuTarget },
): Promise<NpuTower> {
  return {
    ...options,
    shape: visionGraphShape(config),
    source: await equalisedVision(tensors, config.vision.layers),
    calibration: (name) => activations?.calibration(name) ?? [],
  };
}
