import type { TileDetail } from '../../image/tiles';
import type { ImageProcessorConfig } from '../../model/checkpoint/image-processor-config';
import { type OptionValues, optionalChoice } from '../command/command';

/** `--detail`; default: as the checkpoint's image processor splits. @throws UsageError */
export function detailOption(values: OptionValues, { doImageSplitting }: ImageProcessorConfig): TileDetail {
  return optionalChoice(values, 'detail', ['low', 'full']) ?? (doImageSplitting ? 'full' : 'low');
}
