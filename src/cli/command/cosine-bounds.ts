import { type CosineBounds, defaultBounds } from '../../convert/npu/npu-stage-part';
import { type OptionValues, optionalNumber } from './command';

/** `--stage-cosine` and `--tower-cosine`, given or by default. @throws UsageError */
export function cosineBounds(values: OptionValues): CosineBounds {
  return {
    stage: optionalNumber(values, 'stage-cosine', -1, 1) ?? defaultBounds.stage,
    tower: optionalNumber(values, 'tower-cosine', -1, 1) ?? defaultBounds.tower,
  };
}
