import { realpath } from 'node:fs/promises';
import { rkllmMaxContext } from '../convert/bundle/npu-target';
import { SmolvlmError } from '../errors';
import { PicturePool } from '../image/pool/picture-pool';
import { HostTensors } from '../model/bundle/host-tensors';
import type { Bundle } from '../model/bundle/read-bundle';
import { readModelConfigs } from '../model/checkpoint/checkpoint';
import { PromptBuilder } from '../prompt/prompt-builder';
import { ResourceStack } from '../system/async/resource-stack';
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

/** The real path of a model's folder. @throws SmolvlmError if the model does not exist */
export const identifyModel: IdentifyModel = async (options) =>
  realpath((await findModel(options, options.model)).dir);

/** Opens a bundle for captions. @param vision runs its stages; default: the backend that `openTower` chooses */
export async function openBundleCaptioner(
  model: string,
  bundle: Bundle,
  options: Omit<CaptionerOptions, 'model'>,
  vision?: VisionBackend,
): Promise<Captioner> {
  await options.makeRoom?.(weightBytes(bundle));
  return ResourceStack.open((opened) =>
    assemble(model, bundle, { ...options, ...defined({ vision }) }, opened),
  );
}

/** @param opened receives what must be closed with the captioner */
async function assemble(
  model: string,
  bundle: Bundle,
  options: Omit<CaptionerOptions, 'model'> & { readonly vision?: VisionBackend },
  opened: ResourceStack,
): Promise<Captioner> {
  const { config, imageProcessor } = await readModelConfigs(bundle.dir);
  const { contextLength, threads, vision } = options;
  const { npu, rkllm, imageThreads } = settingsOf(options);
  const products = await productsOf(options);
  const { kernels } = bundleArithmetic(products, bundle);
  const sharing = new NpuSharingRule(options.npuSharing ?? npu.sharing ?? 'share');
  const pictures = options.pictures ?? new PicturePool(defined({ threads: imageThreads }));
  if (!options.pictures) opened.own(() => pictures.close());
  const host = await HostTensors.open(bundle);
  opened.own(() => host.close());
  if (vision) opened.own(() => vision.close());
  const placed: PlacedTower = vision
    ? { tower: await openVisionTower(bundle, vision), cores: 0, fallback: () => undefined }
    : await openTower(bundle, { ...options, kernels, npu, sharing });
  opened.own(() => placed.tower.close());
  const runner = await openDecoder(bundle, config.text, {
    kernels,
    ...defined({ threads, contextLimit: contextLength }),
  });
  opened.own(() => runner.close());
  if (options.decoder === 'npu' && !bundle.manifest.npuDecoder) {
    throw new SmolvlmError('bundle-no-decoder', `${model} has no decoder for the NPU`, {
      hint: 'Convert it with the vendor’s rkllm-toolkit (--rkllm-python), or choose the decoder "auto" or "cpu".',
    });
  }
  const maxContext = Math.min(runner.contextLimit, rkllmMaxContext);
  const npuText = await NpuDecoder.open(bundle, { ...options, maxContext, npu, rkllm, sharing });
  if (npuText) opened.own(() => npuText.close());
  const contexts = new ContextPool(runner);
  opened.own(() => contexts.close());
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
    close: () => opened.close(),
  });
}

/** All weights of the bundle, including those read from the file on demand. */
function weightBytes({ manifest }: Bundle): number {
  const graphs = [...manifest.stages, ...Object.values(manifest.hostGraphs ?? {})];
  const files = [...graphs.map(({ data, file }) => data ?? file), ...(manifest.decoder?.files ?? [])];
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, manifest.host?.sizeBytes ?? 0);
}
