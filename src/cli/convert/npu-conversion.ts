import { chooseFrames } from '../../convert/npu/calibration-frames';
import { prepareNpuBundle } from '../../convert/npu/npu-bundle';
import { npuResidualScale } from '../../convert/npu/npu-stage-build';
import { rkllmHint } from '../../convert/npu/rkllm-export';
import { findToolkit } from '../../convert/toolkit/toolkit-environment';
import type { Toolkit } from '../../convert/toolkit/toolkit-worker';
import type { VisionGranularity } from '../../model/bundle/bundle-manifest';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import {
  type NpuPrecisionChoice,
  type NpuTarget,
  npuPrecisions,
} from '../../protocol/models/conversion-choices';
import { defined } from '../../system/defined';
import type { Settings } from '../../system/settings';
import {
  type CommandIo,
  type OptionValues,
  optionalChoice,
  optionalInteger,
  optionalNumber,
  optionalString,
  UsageError,
} from '../command/command';
import { cosineBounds } from '../command/cosine-bounds';
import { decoderOption, granularityOption, progressOf } from './bundle-options';
import { conversionReport, conversionTable } from './report';
import { toolkitChoice } from './toolkit-options';

/** What is converted, and for what. */
export interface NpuConversion {
  readonly checkpoint: Checkpoint;
  /** The bundle's folder. */
  readonly out: string;
  readonly target: NpuTarget;
  /** The toolkit that was just set up; otherwise it is looked for. */
  readonly ready: Toolkit | undefined;
}

/**
 * `smolvlm convert` for an NPU.
 * @throws UsageError; SmolvlmError what the toolkit or the conversion throws
 */
export async function convertForNpu(
  { checkpoint, out, target, ready }: NpuConversion,
  values: OptionValues,
  io: CommandIo,
  settings: Settings,
): Promise<number> {
  const started = performance.now();
  const workers = optionalInteger(values, 'workers', 1, 64);
  const { layers } = checkpoint.config.vision;
  const precision = optionalChoice(values, 'precision', npuPrecisions) ?? 'fp16';
  const granularity = granularityOption(values) ?? 'half-layer';
  const options = {
    target,
    precision,
    int8Layers: int8Layers(values, precision, granularity, layers),
    granularity,
    queryRows: optionalInteger(values, 'query-rows', 1, 65536) ?? 32,
    residualScale: optionalNumber(values, 'residual-scale', 1e-4, 1) ?? npuResidualScale,
    bounds: cosineBounds(values),
    frames: await chooseFrames(optionalString(values, 'calibration')),
    decoder: decoderOption(values),
    cpuStages: values['no-cpu-stages'] !== true,
    ...defined({ workers }),
  } as const;
  const toolkit = ready ?? (await findToolkit(toolkitChoice(values, settings)));
  const rkllmPython =
    optionalString(values, 'rkllm-python') ?? settings.convert.rkllmPython ?? toolkit.python;
  const made = await prepareNpuBundle(checkpoint, out, { ...options, toolkit, rkllmPython }, progressOf(io));
  if (!made.manifest.npuDecoder) io.log(`${out} has no decoder for the NPU. ${rkllmHint}`);
  const report = conversionReport(out, made, (performance.now() - started) / 1000);
  io.result(report, conversionTable(report));
  return 0;
}

/** Like the prototype: the layers after the first two. */
const usualInt8Layers = '2,3,4';

/** @throws UsageError for layers the tower does not have, or that are not a whole stage */
function int8Layers(
  values: OptionValues,
  precision: NpuPrecisionChoice,
  granularity: VisionGranularity,
  layers: number,
): readonly number[] {
  const given = optionalString(values, 'int8-layers');
  if (precision !== 'hybrid') {
    if (given === undefined) return [];
    throw new UsageError(`--int8-layers is only for --precision hybrid, not ${precision}`);
  }
  const text = given ?? usualInt8Layers;
  const chosen = text.split(',').map((word) => (/^\s*\d+\s*$/.test(word) ? Number(word) : Number.NaN));
  if (!chosen.every((layer) => layer < layers)) {
    throw new UsageError(
      `--int8-layers: expected layers from 0 to ${layers - 1}, separated by commas, received "${text}"`,
    );
  }
  if (granularity === 'tower' && new Set(chosen).size < layers) {
    throw new UsageError(
      `--int8-layers ${text}: with --granularity tower the single stage is either INT8 or fp16`,
      'Give all layers, or use --granularity half-layer or layer.',
    );
  }
  return chosen;
}
