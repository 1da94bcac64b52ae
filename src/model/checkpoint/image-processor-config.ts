import { JsonFields, type JsonObject } from '../../system/json/json-fields';
import { CheckpointError } from '../safetensors/checkpoint-error';

/** The parts of `preprocessor_config.json` that describe how a picture becomes tiles. */
export interface ImageProcessorConfig {
  /** The picture's longest edge is resized to this many pixels before it is split (`size.longest_edge`). */
  readonly longestEdge: number;
  /** Side of a tile in pixels (`max_image_size.longest_edge`). */
  readonly maxImageSize: number;
  /** Per channel, of values in 0 … 1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Maps 0 … 255 to 0 … 1. */
  readonly rescaleFactor: number;
  /** The checkpoint's default; a request's `detail` overrides it. */
  readonly doImageSplitting: boolean;
  /** Pillow's number of the filter; 1 is Lanczos, the only one of this family. */
  readonly resample: 1;
}

/**
 * Defaults for absent keys are those of transformers' `Idefics3ImageProcessor`.
 * @throws CheckpointError `checkpoint-config` naming key and value
 */
export function parseImageProcessorConfig(
  json: JsonObject,
  where = 'preprocessor_config.json',
): ImageProcessorConfig {
  const fields = new JsonFields(
    json,
    (message) => new CheckpointError('checkpoint-config', `${where}: ${message}`),
  );
  for (const key of ['do_resize', 'do_rescale', 'do_normalize']) {
    if (!fields.boolean(key, true)) throw fields.wrong(key, 'true');
  }
  if (fields.index('resample', 1) !== 1) throw fields.wrong('resample', '1 (Lanczos)');
  const channels = (key: string): readonly number[] => {
    const values = fields.numbers(key, [0.5, 0.5, 0.5]);
    if (values.length !== 3) throw fields.wrong(key, 'three numbers');
    return values;
  };
  const std = channels('image_std');
  if (!std.every((value) => value > 0)) throw fields.wrong('image_std', 'three numbers above 0');
  return {
    longestEdge: fields.child('size', true).count('longest_edge', 4 * 364),
    maxImageSize: fields.child('max_image_size', true).count('longest_edge', 364),
    mean: channels('image_mean'),
    std,
    rescaleFactor: fields.positive('rescale_factor', 1 / 255),
    doImageSplitting: fields.boolean('do_image_splitting', true),
    resample: 1,
  };
}
