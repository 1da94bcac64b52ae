import { alignedTable } from '../../command/aligned-table';
import {
  type CommandIo,
  type OptionValues,
  optionalInteger,
  optionalString,
  UsageError,
} from '../../command/command';
import { type CameraSimulation, simulateCameras } from './camera-simulation';
import { benchmarkHubs, type HubsBenchmark, type HubsMeasurement, overheadBoundMs } from './hubs-benchmark';
import { type ModelledSchedule, npuSchedule } from './modelled-schedule';

const standardCaptionMs = 1000;

/** `smolvlm bench --hubs 1,2,4`, and with `--cameras` a simulation. */
export async function benchHubs(values: OptionValues, io: CommandIo): Promise<number> {
  const counts = hubCounts(optionalString(values, 'hubs') ?? '');
  const captionMs = optionalInteger(values, 'caption-ms', 1, 600_000);
  const common = {
    frameBytes: optionalInteger(values, 'frame-bytes', 1, 100_000_000) ?? 200_000,
    signal: io.signal,
    onProgress: io.log,
  };
  const cameras = optionalInteger(values, 'cameras', 1, 100_000);
  if (cameras !== undefined) {
    const [hubs = 0, ...others] = counts;
    if (others.length > 0) throw new UsageError('--cameras: expected one number of --hubs');
    const intervalMs = 1000 * (optionalInteger(values, 'interval', 1, 86_400) ?? 10);
    const durationMs = 1000 * (optionalInteger(values, 'seconds', 1, 86_400) ?? 60);
    const simulated = await simulateCameras({
      ...common,
      captionMs: captionMs ?? standardCaptionMs,
      cameras,
      hubs,
      intervalMs,
      durationMs,
    });
    io.result(simulated, simulationReport(simulated));
    return 0;
  }
  const measured = await benchmarkHubs({
    ...common,
    schedules: schedules(values, captionMs),
    hubs: counts,
    frames: optionalInteger(values, 'frames', 1, 10_000) ?? 20,
  });
  io.result(measured, report(measured));
  return 0;
}

/** One frame at a time for the bound, and as an NPU works; or the one that is chosen. */
function schedules(values: OptionValues, captionMs: number | undefined): readonly ModelledSchedule[] {
  if (values.emulator === true && captionMs !== undefined)
    throw new UsageError('--caption-ms: expected no --emulator beside it');
  if (values.emulator === true) return [npuSchedule];
  const fixed = { kind: 'fixed', captionMs: captionMs ?? standardCaptionMs } as const;
  return captionMs === undefined ? [fixed, npuSchedule] : [fixed];
}

function hubCounts(text: string): number[] {
  const counts = text.split(',').map(Number);
  if (counts.every((count) => Number.isSafeInteger(count) && count >= 1 && count <= 256)) return counts;
  throw new UsageError(
    `--hubs: expected numbers from 1 to 256 separated by commas, received "${text}"`,
    'For example: --hubs 1,2,4,8,16',
  );
}

function report({ frameBytes, overhead, schedules }: HubsBenchmark): string {
  const lines = (['queueMs', 'engineMs', 'addedMs'] as const).map((name) => {
    const { p50, p99, max } = overhead[name];
    const what = {
      queueMs: 'through the queue',
      engineMs: 'from the engine directly',
      addedMs: 'added by the queue',
    }[name];
    return [what, String(p50), String(p99), String(max)];
  });
  const bound = `added p99: ${overhead.addedMs.p99} ms, ${overhead.isWithinBound ? 'within' : 'above'} the bound of ${overheadBoundMs} ms`;
  return [
    `frames of ${frameBytes} bytes`,
    '',
    alignedTable([`beyond the caption, ${overhead.frames} frames`, 'p50 ms', 'p99', 'max'], lines),
    bound,
    ...schedules.flatMap(({ schedule, measurements }) => [
      '',
      scheduleTitle(schedule),
      hubTable(measurements),
    ]),
  ].join('\n');
}

function scheduleTitle(schedule: ModelledSchedule): string {
  if (schedule.kind === 'fixed') return `captions of ${schedule.captionMs} ms, one at a time`;
  const { cores, tiles, stageMs, textMs } = schedule;
  return `an NPU's schedule: ${cores} cores, ${tiles} tiles of 24 stages of ${stageMs} ms, and ${textMs} ms of text beside them`;
}

function hubTable(measurements: readonly HubsMeasurement[]): string {
  const rows = measurements.map(({ hubs, framesPerSecond, ratio, queueingMs, load }) => [
    String(hubs),
    framesPerSecond.toFixed(2),
    ratio === undefined ? '-' : ratio.toFixed(2),
    String(queueingMs.p50),
    String(queueingMs.p99),
    load.toFixed(1),
  ]);
  const head = ['hubs', 'frames/s', 'ratio', 'queueing p50 ms', 'p99', 'load'];
  return alignedTable(head, rows);
}

function simulationReport(simulated: CameraSimulation): string {
  const { cameras, hubs, seconds, sent, captions, superseded, others } = simulated;
  const { captionsPerCamera, ageMs, server, load } = simulated;
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  return alignedTable(
    ['cameras', String(cameras)],
    [
      ['hubs', String(hubs)],
      ['seconds', String(seconds)],
      ['frames sent', String(sent)],
      ['captions', `${captions}, ${(captions / seconds).toFixed(1)}/s`],
      ['superseded', String(superseded)],
      ...Object.entries(others).map(([why, count]) => [why, String(count)]),
      [
        'captions per camera',
        `${captionsPerCamera.fewest} to ${captionsPerCamera.most}, median ${captionsPerCamera.median}`,
      ],
      ['from picture to caption', `p50 ${ageMs.p50} ms, p99 ${ageMs.p99} ms`],
      ["server's CPU", `${(server.cpu * 100).toFixed(0)} % of a core`],
      ["server's memory", megabytes(server.peakRssBytes)],
      ["server's disk", megabytes(server.peakDiskBytes)],
      ['load', load.toFixed(1)],
    ],
  );
}
