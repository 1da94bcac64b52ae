import { realpath } from 'node:fs/promises';
import { SmolvlmError } from '../errors';
import { PicturePool } from '../image/pool/picture-pool';
import { HostTensors } from '../model/bundle/host-tensors';
import type { Bundle } from '../model/bundle/read-bundle';
import { readModelConfigs } from '../model/checkpoint/checkpoint';
import { PromptBuilder } from '../prompt/prompt-builder';
import { defined } from '../system/defined';
import { ContextPool } from '../text/context-pool';
import { openDecoder } from '../text/open-decoder';
import { TokenEmbeddings } from '../text/token-embeddings';
import type { VisionBackend } from '../vision/open-vision-backend';
import { openVisionTower } from '../vision/open-vision-tower';
import { arithmeticNote, bundleArithmetic } from './cpu/arithmetic';
import type { Captioner, CaptionerOptions, IdentifyModel, OpenCaptioner } from './inference';
import { findModel, openModelBundle, productsOf, settingsOf } from './model-bundle';
import { ModelCaptioner } from './model-captioner';
import { NpuDecoder } from './npu/npu-decoder';
import { NpuSharingRule } from './npu/npu-sharing';
import { openTower, type PlacedTower } from './npu/open-tower';

/**
 * Opens a model on the devices it was converted for; a checkpoint is first prepared for the CPU, once, in the cache folder.
 * @throws SmolvlmError what is missing or wrong with the model or the runtime
 */
export const openCaptioner: OpenCaptioner = async (options) => {
  const { name, bundle } = await openModelBundle(options);
  return openBundleCaptioner(name, bundle, options);
};

export const identifyModel: IdentifyModel = async (options) =>
  realpath((await findModel(options, options.model)).dir);

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

/** All weights of the bundle, including those read from the file on demand. */
function weightBytes({ manifest }: Bundle): number {
  const graphs = [...manifest.stages, ...Object.values(manifest.hostGraphs ?? {})];
  const files = [...graphs.map(({ data, file }) => data ?? file), ...(manifest.decoder?.files ?? [])];
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, manifest.host?.sizeBytes ?? 0);
}
