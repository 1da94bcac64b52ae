import type { BuildProgress } from '../convert/bundle/build-progress';
import { writeOnnxDecoder } from '../convert/bundle/onnx-decoder';
import { preparedBundle } from '../convert/bundle/prepared-bundle';
import type { Bundle } from '../model/bundle/read-bundle';
import { bundlesFolder, checkpointsFolder } from '../model/cache-folder';
import { type ResolvedModel, resolveModel } from '../model/hub/resolve-model';
import { defined } from '../system/defined';
import { type InferenceSettings, readSettings } from '../system/settings';
import { fittingArithmetic } from './cpu/arithmetic';
import { type ProductCheck, thisCpusProducts } from './cpu/product-check';
import type { CaptionerOptions } from './inference';

/** A model, ready to be loaded. */
export interface ModelBundle {
  readonly name: string;
  readonly bundle: Bundle;
}

/** With the demo model, int8 gives the same tokens as float32 for all shipped frames (tested). */
const defaultPrecision = 'int8';

/**
 * Finds a model's bundle; a checkpoint is first prepared for the CPU, once, in the cache folder.
 * @throws SmolvlmError what is missing or wrong with the model
 */
export async function openModelBundle(options: CaptionerOptions): Promise<ModelBundle> {
  const { dir, name } = await findModel(options, options.model);
  const { precision } = fittingArithmetic(await productsOf(options), options.precision ?? defaultPrecision);
  const { onProgress, signal } = options;
  const onPart = ({ part, done, total, secondsLeft }: BuildProgress): void =>
    onProgress?.({ phase: 'loading', done, total, stage: part, ...defined({ secondsLeft }) });
  const checkpoint =
    options.checkpoint === undefined ? undefined : (await findModel(options, options.checkpoint)).dir;
  const bundle = await preparedBundle(
    dir,
    {
      // 4-bit weights lose against int8 where 1024 rows are multiplied at once (docs/performance.md).
      visionPrecision: precision === 'float32' ? 'float32' : 'int8',
      decoder: { precision, write: writeOnnxDecoder },
      ...defined({ checkpoint }),
    },
    {
      bundlesDir: bundlesFolder(settingsOf(options).cacheDir),
      ...defined({ signal, onProgress: onProgress && onPart }),
    },
  );
  return { name, bundle };
}

/** The folder of a model. @throws SmolvlmError if it does not exist */
export function findModel(
  options: Pick<CaptionerOptions, 'settings'>,
  model: string,
): Promise<ResolvedModel> {
  return resolveModel(model, checkpointsFolder(settingsOf(options).cacheDir));
}

/** What onnxruntime's products are worth here. */
export function productsOf({
  products = thisCpusProducts,
}: Pick<CaptionerOptions, 'products'>): Promise<ProductCheck> {
  return products();
}

/** The settings for this model, or those of this process's environment. */
export function settingsOf({ settings }: Pick<CaptionerOptions, 'settings'>): InferenceSettings {
  return settings ?? readSettings();
}
