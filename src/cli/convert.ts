import { resolve } from 'node:path';
import type { BuildProgress } from '../convert/bundle/build-progress';
import { checkBundlePlace } from '../convert/bundle/check-bundle-place';
import { prepareCpuBundle } from '../convert/bundle/cpu-bundle';
import { writeOnnxDecoder } from '../convert/bundle/onnx-decoder';
import { withReference } from '../convert/npu/bundle-reference';
import { chooseFrames } from '../convert/npu/calibration-frames';
import { prepareNpuBundle } from '../convert/npu/npu-bundle';
import { npuResidualScale } from '../convert/npu/npu-stage-build';
import { defaultBounds } from '../convert/npu/npu-stage-part';
import { rkllmHint } from '../convert/npu/rkllm-export';
import { checkMachine, findPython } from '../convert/toolkit/find-python';
import { droppedVariables } from '../convert/toolkit/python-environment';
import {
  findToolkit,
  prepareToolkitEnvironment,
  type ToolkitChoice,
} from '../convert/toolkit/toolkit-environment';
import type { Toolkit } from '../convert/toolkit/toolkit-worker';
import { checkpointsFolder } from '../model/cache-folder';
import { type Checkpoint, openCheckpoint } from '../model/checkpoint/checkpoint';
import { rememberCheckpointPlace } from '../model/checkpoint/checkpoint-places';
import { resolveModel } from '../model/hub/resolve-model';
import type { VisionGranularity } from '../onnx/vision/vision-stages';
import {
  bundleTargets,
  cpuPrecisions,
  type NpuTarget,
  toolkitVersions,
} from '../protocol/models/conversion-choices';
import { defined } from '../system/defined';
import { namingReadOnly } from '../system/files/read-only-folder';
import { withFileLock } from '../system/lock/file-lock';
import type { Settings } from '../system/settings';
import {
  type Command,
  type CommandIo,
  type OptionValues,
  optionalChoice,
  optionalInteger,
  optionalNumber,
  optionalString,
  requiredString,
  UsageError,
} from './command/command';
import { adoptShards } from './convert/adopt-shards';
import { conversionReport, conversionTable } from './convert/report';

/** `smolvlm convert`: a checkpoint to a bundle for an NPU or a CPU; `--setup` installs the toolkit. */
export const command: Command = {
  summary: 'Convert a checkpoint to a bundle for an RK3588 or RK3576 (on x86-64 Linux), or for a CPU',
  usage:
    `convert --setup [--toolkit ${toolkitVersions.join('|')}] [--python PYTHON]\n` +
    `       smolvlm convert --model M --out B --target ${bundleTargets.join('|')} [--setup]\n` +
    `         [--toolkit ${toolkitVersions.join('|')}] (the version of librknnrt on the hub)\n` +
    '         [--precision fp16|hybrid|auto] [--int8-layers 2,3,4] [--calibration DIR]\n' +
    '         [--granularity half-layer|layer|tower] [--query-rows 32] [--residual-scale 0.1]\n' +
    '         [--stage-cosine 0.999] [--tower-cosine 0.998] [--decoder float32|int8|int4] [--no-cpu-stages]\n' +
    '         [--python PYTHON] [--rkllm-python PYTHON] [--workers N] [--resume]\n' +
    '       (--target cpu takes --precision float32|int8)\n' +
    '       smolvlm convert --shards DIR --model M --out B   (shards made elsewhere, l0_attn.rknn …, and their checkpoint)',
  options: {
    setup: { type: 'boolean' },
    model: { type: 'string' },
    shards: { type: 'string' },
    out: { type: 'string' },
    target: { type: 'string' },
    precision: { type: 'string' },
    'int8-layers': { type: 'string' },
    calibration: { type: 'string' },
    granularity: { type: 'string' },
    'query-rows': { type: 'string' },
    'residual-scale': { type: 'string' },
    'stage-cosine': { type: 'string' },
    'tower-cosine': { type: 'string' },
    decoder: { type: 'string' },
    'no-cpu-stages': { type: 'boolean' },
    toolkit: { type: 'string' },
    python: { type: 'string' },
    'rkllm-python': { type: 'string' },
    workers: { type: 'string' },
    // Finished parts are always used again; the option only makes that explicit.
    resume: { type: 'boolean' },
  },
  async run(values, _positionals, io, settings) {
    const choice = toolkitChoice(values, settings);
    const toolkit = values.setup === true ? await setUp(choice, io) : undefined;
    if (toolkit !== undefined && values.model === undefined) {
      const { version } = await findPython(toolkit.python);
      io.result(
        { python: toolkit.python, python_version: version, toolkit_version: toolkit.version },
        `rknn-toolkit2 ${toolkit.version} is ready: ${toolkit.python} (Python ${version})`,
      );
      return 0;
    }
    const model = requiredString(values, 'model');
    const out = resolve(requiredString(values, 'out'));
    const shards = optionalString(values, 'shards');
    const target = optionalChoice(values, 'target', bundleTargets);
    if (shards !== undefined && target !== undefined)
      throw new UsageError('--shards takes no --target', 'Shards are made for one chip.');
    if (target === undefined && shards === undefined)
      throw new UsageError('--target is missing', `One of ${bundleTargets.join(', ')}.`);
    if (target !== undefined && target !== 'cpu') checkMachine(process.platform, process.arch);
    const { dir } = await resolveModel(model, checkpointsFolder(settings.cacheDir));
    await checkBundlePlace(out);
    const checkpoint = await openCheckpoint(dir);
    try {
      if (target !== undefined && target !== 'cpu') logDroppedVariables(io);
      await rememberCheckpointPlace(await checkpoint.sha256(), checkpoint.dir, settings.cacheDir);
      const convert = (): Promise<number> => {
        if (shards !== undefined) return adoptShards(shards, checkpoint, out, values, io);
        return target === 'cpu' || target === undefined
          ? convertForCpu(checkpoint, out, values, io)
          : convertForNpu(checkpoint, out, target, toolkit, values, io, settings);
      };
      const options = {
        signal: io.signal,
        onWait: (pid: number) => io.log(`waiting for process ${pid}, which is converting to ${out}`),
      };
      return await namingReadOnly(out, () => withFileLock(`${out}.lock`, convert, options));
    } finally {
      await checkpoint.close();
    }
  },
};

function toolkitChoice(values: OptionValues, { convert, cacheDir }: Settings): ToolkitChoice {
  const version = optionalChoice(values, 'toolkit', toolkitVersions);
  const python = optionalString(values, 'python') ?? convert.python;
  return { cacheDir, ...defined({ version, python }) };
}

/** What was in the way of a conversion, had it been passed on. */
function logDroppedVariables(io: CommandIo): void {
  const dropped = droppedVariables();
  if (dropped.length > 0) io.log(`not passed on to Python: ${dropped.join(', ')}`);
}

function setUp(choice: ToolkitChoice, io: CommandIo): Promise<Toolkit> {
  logDroppedVariables(io);
  return prepareToolkitEnvironment({ ...choice, signal: io.signal, onProgress: io.progress });
}

async function convertForNpu(
  checkpoint: Checkpoint,
  out: string,
  target: NpuTarget,
  ready: Toolkit | undefined,
  values: OptionValues,
  io: CommandIo,
  settings: Settings,
): Promise<number> {
  const started = performance.now();
  const workers = optionalInteger(values, 'workers', 1, 64);
  const { layers } = checkpoint.config.vision;
  const precision = optionalChoice(values, 'precision', ['fp16', 'hybrid', 'auto']) ?? 'fp16';
  const granularity = optionalChoice(values, 'granularity', ['half-layer', 'layer', 'tower']) ?? 'half-layer';
  const options = {
    target,
    precision,
    int8Layers: int8Layers(values, precision, granularity, layers),
    granularity,
    queryRows: optionalInteger(values, 'query-rows', 1, 65536) ?? 32,
    residualScale: optionalNumber(values, 'residual-scale', 1e-4, 1) ?? npuResidualScale,
    bounds: cosineBounds(values),
    frames: await chooseFrames(optionalString(values, 'calibration')),
    decoder: {
      precision: optionalChoice(values, 'decoder', cpuPrecisions) ?? 'int8',
      write: writeOnnxDecoder,
    },
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

async function convertForCpu(
  checkpoint: Checkpoint,
  out: string,
  values: OptionValues,
  io: CommandIo,
): Promise<number> {
  const visionPrecision = optionalChoice(values, 'precision', ['float32', 'int8']) ?? 'int8';
  const granularity = optionalChoice(values, 'granularity', ['half-layer', 'layer', 'tower']);
  const frames = await chooseFrames(optionalString(values, 'calibration'));
  const manifest = await prepareCpuBundle(
    checkpoint,
    out,
    {
      visionPrecision,
      decoder: {
        precision: optionalChoice(values, 'decoder', cpuPrecisions) ?? 'int8',
        write: writeOnnxDecoder,
      },
      reference: withReference(checkpoint, frames, io.signal),
      ...defined({ granularity }),
    },
    progressOf(io),
  );
  io.result(
    { path: out, manifest, report: { stages: [] } },
    `${out}: ${manifest.stages.length} stages in ${visionPrecision} for the CPU`,
  );
  return 0;
}

function progressOf(io: CommandIo) {
  return {
    signal: io.signal,
    onProgress: ({ part, ...rest }: BuildProgress) => io.progress({ step: part, ...rest }),
  };
}

/** Cosine bounds, given or by default. */
export function cosineBounds(values: OptionValues): { readonly stage: number; readonly tower: number } {
  return {
    stage: optionalNumber(values, 'stage-cosine', -1, 1) ?? defaultBounds.stage,
    tower: optionalNumber(values, 'tower-cosine', -1, 1) ?? defaultBounds.tower,
  };
}

/** Like the prototype: the layers after the first two. */
const usualInt8Layers = '2,3,4';

/** @throws UsageError for layers the tower does not have, or that are not a whole stage */
function int8Layers(
  values: OptionValues,
  precision: 'fp16' | 'hybrid' | 'auto',
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
