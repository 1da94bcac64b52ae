import { realpath } from 'node:fs/promises';
import type { BuildProgress } from '../convert/bundle/build-progress';
import { writeOnnxDecoder } from '../convert/bundle/onnx-decoder';
import { preparedBundle } from '../convert/bundle/prepared-bundle';
import { SmolvlmError } from '../errors';
import { PicturePool } from '../image/pool/picture-pool';
import { HostTensors } from '../model/bundle/host-tensors';
import type { Bundle } from '../model/bundle/read-bundle';
import { bundlesFolder, checkpointsFolder } from '../model/cache-folder';
import { readModelConfigs } from '../model/checkpoint/checkpoint';
import { resolveModel } from '../model/hub/resolve-model';
import { PromptBuilder } from '../prompt/prompt-builder';
import { defined } from '../system/defined';
import { type InferenceSettings, readSettings } from '../system/settings';
import { ContextPool } from '../text/context-pool';
import { type DecoderRunner, openDecoder } from '../text/open-decoder';
import { TokenEmbeddings } from '../text/token-embeddings';
import type { VisionBackend } from '../vision/open-vision-backend';
import { openVisionTower } from '../vision/open-vision-tower';
import { arithmeticNote, bundleArithmetic, fittingArithmetic } from './cpu/arithmetic';
import { type ProductCheck, thisCpusProducts } from './cpu/product-check';
import type { Captioner, CaptionerOptions, IdentifyModel, OpenCaptioner } from './inference';
import { ModelCaptioner } from './model-captioner';
import { NpuDecoder } from './npu/npu-decoder';
import { NpuSharingRule } from './npu/npu-sharing';
import { openTower, type PlacedTower } from './npu/open-tower';

/** With the demo model, int8 gives the same tokens as float32 for all shipped frames (tested). */
export const defaultPrecision = 'int8';

/**
 * Opens a model on the devices it was converted for; a checkpoint is first prepared for the CPU, once, in the cache folder.
 * @throws SmolvlmError what is missing or wrong with the model or the runtime
 */
export const openCaptioner: OpenCaptioner = async (options) => {
  const resolved = await resolveModel(options.model, checkpointsFolder(settingsOf(options).cacheDir));
  const { precision } = fittingArithmetic(await productsOf(options), options.precision ?? defaultPrecision);
  const bundle = await openBundle(resolved.dir, { ...options, precision });
  return openBundleCaptioner(resolved.name, bundle, options);
};

export const identifyModel: IdentifyModel = async (options) =>
  realpath((await resolveModel(options.model, checkpointsFolder(settingsOf(options).cacheDir))).dir);

/** Tokens an exported NPU decoder has room for. */
const npuContext = 4096;

/** Opens a bundle for captions. @param vision runs its stages; default: the backend that `openTower` chooses */
export async function openBundleCaptioner(
  model: string,
  bundle: Bundle,
  options: Omit<CaptionerOptions, 'model'>,
  vision?: VisionBackend,
): Promise<Captioner> {
  const owned: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const release of owned.splice(0).reverse()) await release();
  };
  await options.makeRoom?.(weightBytes(bundle));
  try {
    return await assemble(model, bundle, options, vision, owned, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** A model's text side only. */
export interface OpenedDecoder {
  /** The bundle's folder, tokenizer included. */
  readonly dir: string;
  readonly runner: DecoderRunner;
  readonly embeddings: TokenEmbeddings;
  readonly stopIds: readonly number[];
  close(): Promise<void>;
}

/** Opens a model's decoder and token embeddings, prepared as for captions. */
export async function openDecoderOf(options: CaptionerOptions): Promise<OpenedDecoder> {
  const products = await productsOf(options);
  const { precision } = fittingArithmetic(products, options.precision ?? defaultPrecision);
  const bundle = await openBundle(
    (await resolveModel(options.model, checkpointsFolder(settingsOf(options).cacheDir))).dir,
    { ...options, precision },
  );
  const { kernels } = bundleArithmetic(products, bundle);
  const { config } = await readModelConfigs(bundle.dir);
  const host = await HostTensors.open(bundle);
  const runner = await openDecoder(bundle, config.text, {
    kernels,
    ...defined({ threads: options.threads }),
  }).catch(async (error: unknown) => {
    await host.close();
    throw error;
  });
  return {
    dir: bundle.dir,
    runner,
    embeddings: new TokenEmbeddings(host),
    stopIds: config.eosTokenIds,
    close: async () => {
      await runner.close();
      await host.close();
    },
  };
}

async function assemble(
  model: string,
  bundle: Bundle,
  options: Omit<CaptionerOptions, 'model'>,
  given: VisionBackend | undefined,
  owned: (() => Promise<void>)[],
  close: () => Promise<void>,
): Promise<Captioner> {
  const { config, imageProcessor } = await readModelConfigs(bundle.dir);
  const { contextLength, threads } = options;
  const { npu, rkllm } = settingsOf(options);
  const products = await productsOf(options);
  const { kernels } = bundleArithmetic(products, bundle);
  const settings = { kernels, ...defined({ threads }) };
  const sharing = new NpuSharingRule(options.npuSharing ?? npu.sharing ?? 'share');
  const pictures =
    options.pictures ?? new PicturePool(defined({ threads: settingsOf(options).imageThreads }));
  if (!options.pictures) owned.push(() => pictures.close());
  const host = await HostTensors.open(bundle);
  owned.push(() => host.close());
  if (given) owned.push(() => given.close());
  const placed: PlacedTower = given
    ? { tower: await openVisionTower(bundle, given), cores: 0, fallback: () => undefined }
    : await openTower(bundle, { ...options, kernels, npu, sharing });
  owned.push(() => placed.tower.close());
  const runner = await openDecoder(bundle, config.text, {
    ...settings,
    ...defined({ contextLimit: contextLength }),
  });
  owned.push(() => runner.close());
  if (options.decoder === 'npu' && !bundle.manifest.npuDecoder) {
    throw new SmolvlmError('bundle-no-decoder', `${model} has no decoder for the NPU`, {
      hint: 'Convert it with the vendor’s rkllm-toolkit (--rkllm-python), or choose the decoder "auto" or "cpu".',
    });
  }
  const maxContext = Math.min(runner.contextLimit, npuContext);
  const npuText = await NpuDecoder.open(bundle, { ...options, maxContext, npu, rkllm, sharing });
  if (npuText) owned.push(() => npuText.close());
  const contexts = new ContextPool(runner);
  owned.push(async () => contexts.close());
  return new ModelCaptioner({
    model,
    textBackend: `${runner.name} ${bundle.manifest.decoder?.precision}`,
    vision: placed,
    cpuVision: `onnxruntime ${(bundle.manifest.cpuStages ?? bundle.manifest.stages)[0]?.precision}`,
    ...defined({ npuText, arithmetic: arithmeticNote(products) }),
    config,
    imageProcessor,
    pictures,
    prompts: await PromptBuilder.open(bundle.dir, config),
    contexts,
    contextLimit: runner.contextLimit,
    embeddings: new TokenEmbeddings(host),
    weightBytes: weightBytes(bundle),
    close,
  });
}

async function openBundle(dir: string, options: CaptionerOptions): Promise<Bundle> {
  const precision = options.precision ?? defaultPrecision;
  const { onProgress, signal } = options;
  const onPart = ({ part, done, total, secondsLeft }: BuildProgress): void =>
    onProgress?.({ phase: 'loading', done, total, stage: part, ...defined({ secondsLeft }) });
  const checkpoint =
    options.checkpoint === undefined
      ? undefined
      : (await resolveModel(options.checkpoint, checkpointsFolder(settingsOf(options).cacheDir))).dir;
  return preparedBundle(
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
}

function productsOf({
  products = thisCpusProducts,
}: Pick<CaptionerOptions, 'products'>): Promise<ProductCheck> {
  return products();
}

function settingsOf({ settings }: Pick<CaptionerOptions, 'settings'>): InferenceSettings {
  return settings ?? readSettings();
}

/** All weights of the bundle, including those read from the file on demand. */
function weightBytes({ manifest }: Bundle): number {
  const graphs = [...manifest.stages, ...Object.values(manifest.hostGraphs ?? {})];
  const files = [...graphs.map(({ data, file }) => data ?? file), ...(manifest.decoder?.files ?? [])];
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, manifest.host?.sizeBytes ?? 0);
}
