import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeOnnxDecoder } from '../../convert/bundle/onnx-decoder';
import { preparedBundle } from '../../convert/bundle/prepared-bundle';
import { bundlesFolder, checkpointsFolder } from '../../model/cache-folder';
import { resolveModel } from '../../model/hub/resolve-model';
import { limits } from '../../protocol/limits';
import type { Settings } from '../../system/settings';
import { alignedTable } from '../command/aligned-table';
import { type CommandIo, type OptionValues, optionalInteger, optionalString } from '../command/command';
import { benchmarkDoorbell, type DoorbellBenchmark } from './doorbell-benchmark';
import { buildEmulator } from './emulator/build-emulator';
import { writeTimedBundle } from './emulator/timed-bundle';
import type { Percentiles } from './hubs/percentiles';

/** `smolvlm bench --cameras 4`, and with `--emulator` on the emulated NPU. */
export async function benchDoorbell(
  values: OptionValues,
  io: CommandIo,
  settings: Settings,
): Promise<number> {
  const model = optionalString(values, 'model') ?? 'demo';
  const options = {
    cameras: optionalInteger(values, 'cameras', 1, 64) ?? 4,
    presses: optionalInteger(values, 'passes', 1, 1000) ?? 12,
    threads: optionalInteger(values, 'threads', 1, limits.threads) ?? availableParallelism(),
    signal: io.signal,
    onProgress: io.log,
  };
  const measured =
    values.emulator === true
      ? await onEmulator(model, optionalInteger(values, 'cores', 1, 3) ?? 3, settings, options)
      : await benchmarkDoorbell({ ...options, model });
  const [load = 0] = loadavg();
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), load };
  io.result({ machine, model, cameras: options.cameras, ...measured }, report(measured, load));
  return 0;
}

/** Stages that only wait, 10 ms each; the text side runs on the CPU. */
async function onEmulator(
  model: string,
  cores: number,
  { cacheDir }: Settings,
  options: Omit<Parameters<typeof benchmarkDoorbell>[0], 'model'>,
): Promise<DoorbellBenchmark> {
  const library = await buildEmulator('rknn');
  const dir = await mkdtemp(join(tmpdir(), 'smolvlm-bench-'));
  try {
    const bundle = join(dir, 'bundle');
    const { dir: checkpoint } = await resolveModel(model, checkpointsFolder(cacheDir));
    const decoder = { precision: 'int8', write: writeOnnxDecoder } as const;
    const control = { bundlesDir: bundlesFolder(cacheDir), signal: options.signal };
    const prepared = await preparedBundle(checkpoint, { visionPrecision: 'int8', decoder }, control);
    await writeTimedBundle(bundle, prepared, { cores, stageMs: 10 });
    const environment = {
      ...process.env,
      RKNN_EMULATOR: 'timed',
      RKNN_EMULATOR_CORES: String(cores),
      SMOLVLM_RKNN_LIBRARY: library,
      SMOLVLM_NPU_CORES: String(cores),
      SMOLVLM_NPU_LOCK: join(dir, 'lock'),
    };
    return await benchmarkDoorbell({ ...options, model: bundle, environment });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function report(measured: DoorbellBenchmark, load: number): string {
  const rows: readonly (readonly [string, Percentiles])[] = [
    ['alone, ms', measured.aloneMs],
    ['among the cameras, ms', measured.amongMs],
    ['waiting alone, ms', measured.aloneWaitMs],
    ['waiting among the cameras, ms', measured.amongWaitMs],
    ['its tile alone, ms', measured.aloneTileMs],
    ['its tile among the cameras, ms', measured.amongTileMs],
    ['tiles of other frames meanwhile', measured.tilesOfOthers],
  ];
  const cells = rows.map(([what, { p50, max }]) => [what, String(p50), String(max)]);
  const table = alignedTable(['a doorbell frame', 'p50', 'max'], cells);
  return `${table}\n${measured.cameraFrames} frames of the cameras; load ${load.toFixed(1)}`;
}
