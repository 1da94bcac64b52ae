import type { StageRunner, VisionBackend } from '../backends/stage-runner';
import { verifyBundleFile } from '../model/bundle/bundle-file';
import type { BundleManifest, BundleStage } from '../model/bundle/bundle-manifest';
import { HostTensors, hostTensors } from '../model/bundle/host-tensors';
import type { Bundle } from '../model/bundle/read-bundle';
import { readModelConfigs } from '../model/checkpoint/checkpoint';
import type { ModelConfig } from '../model/checkpoint/model-config';
import type { TensorSource } from '../model/safetensors/tensor-source';
import { ResourceStack } from '../system/async/resource-stack';
import { Connector } from './connector';
import { PatchEmbedding } from './patch-embedding';
import { graphProjection, hostProjection, type Projection } from './projection';
import { StagePipeline } from './stage-pipeline';
import { type TileEncoder, VisionTower } from './vision-tower';
import { WholeTower } from './whole-tower';

export interface OpenVisionOptions {
  /** Tiles in flight; default: as many as keep the backend's cores busy. */
  readonly tilesInFlight?: number;
  /**
   * Runs the bundle's host graphs (ONNX) where the stages run elsewhere; left out, the stages' backend does
   * for a `cpu` bundle, and plain JavaScript for any other.
   */
  readonly hostBackend?: VisionBackend;
}

/**
 * Opens every stage of a bundle, each file checked first, and the host's arithmetic around them.
 * The tower closes the stages it opened; the caller closes the backend.
 * @throws BundleError for a file that is missing or changed
 */
export async function openVisionTower(
  bundle: Bundle,
  backend: VisionBackend,
  options: OpenVisionOptions = {},
): Promise<TileEncoder> {
  const { config } = await readModelConfigs(bundle.dir);
  const host = await HostTensors.open(bundle);
  try {
    return await assembleVisionTower(bundle, host, config, backend, options);
  } finally {
    await host.close();
  }
}

/** The vision side of a bundle. */
export interface VisionBundle {
  readonly dir: string;
  readonly manifest: Pick<BundleManifest, 'target' | 'stages' | 'hostGraphs' | 'residualScale'>;
}

/** Like `openVisionTower`, with the host's tensors and the configuration given. */
export async function assembleVisionTower(
  bundle: VisionBundle,
  host: TensorSource,
  config: ModelConfig,
  backend: VisionBackend,
  options: OpenVisionOptions = {},
): Promise<TileEncoder> {
  const { manifest } = bundle;
  return ResourceStack.open(async (opened) => {
    const close = (): Promise<void> => opened.close();
    const open = async (stage: BundleStage, on: VisionBackend): Promise<StageRunner> => {
      await verifyBundleFile(bundle.dir, stage.file);
      if (stage.data) await verifyBundleFile(bundle.dir, stage.data);
      const runner = await on.openStage(bundle.dir, stage);
      opened.own(() => runner.close());
      return runner;
    };
    const [only] = manifest.stages;
    if (only?.input.dtype === 'uint8') {
      const runners: StageRunner[] = [];
      for (const core of coresOf(backend)) runners.push(await open({ ...only, core }, backend));
      const { channels, imageSize } = config.vision;
      return new WholeTower({ runners, channels, imageSize, textWidth: config.text.hiddenSize, close });
    }
    const stages: StageRunner[] = [];
    for (const stage of manifest.stages) stages.push(await open(stage, backend));
    const linked = (await backend.link?.(stages)) ?? stages;
    const hostBackend = options.hostBackend ?? (manifest.target === 'cpu' ? backend : undefined);
    const projection = async (graph: BundleStage | undefined, name: string): Promise<Projection> =>
      graph && hostBackend ? graphProjection(await open(graph, hostBackend)) : tensorProjection(host, name);
    const { hostGraphs } = manifest;
    const patches = await projection(hostGraphs?.patchProjection, hostTensors.patchProjection);
    const connector = await projection(hostGraphs?.connectorProjection, hostTensors.connectorProjection);
    return new VisionTower({
      embedding: new PatchEmbedding(config.vision, patches, await host.read(hostTensors.positions)),
      pipeline: new StagePipeline(linked, options.tilesInFlight ?? tilesInFlight(backend)),
      connector: new Connector({
        normWeight: await host.read(`${hostTensors.postLayerNorm}.weight`),
        normBias: await host.read(`${hostTensors.postLayerNorm}.bias`),
        normEps: config.vision.layerNormEps,
        scaleFactor: config.scaleFactor,
        textWidth: host.shape(`${hostTensors.connectorProjection}.weight`)[0] ?? 0,
        projection: connector,
      }),
      residualScale: manifest.residualScale,
      tilePixels: config.vision.channels * config.vision.imageSize ** 2,
      close,
    });
  });
}

function coresOf({ cores = 1 }: VisionBackend): readonly number[] {
  return Array.from({ length: Math.max(1, cores) }, (_, core) => core);
}

/** For each core one tile that it computes and one that waits, and one to spare. */
function tilesInFlight({ cores = 1 }: VisionBackend): number {
  return cores > 1 ? 2 * cores + 1 : 1;
}

async function tensorProjection(host: TensorSource, name: string): Promise<Projection> {
  const [, ...inner] = host.shape(`${name}.weight`);
  const bias = name === hostTensors.patchProjection ? await host.read(`${name}.bias`) : undefined;
  return hostProjection(
    await host.read(`${name}.weight`),
    inner.reduce((product, size) => product * size, 1),
    bias,
  );
}
