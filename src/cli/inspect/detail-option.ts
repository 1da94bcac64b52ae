import type { TileDetail } from '../../image/tiles';
import type { ImageProcessorConfig } from '../../model/checkpoint/image-processor-config';
import { details } from '../../protocol/describe-request';
import { type OptionValues, optionalChoice } from '../command/command';

/** `--detail`; default: as the checkpoint's image processor splits. @throws UsageError */
export function detailOption(values: OptionValues, { doImageSplitting }: ImageProcessorConfig): TileDetail {
  return optionalChoice(values, 'detail', details) ?? (doImageSplitting ? 'full' : 'low');
}
