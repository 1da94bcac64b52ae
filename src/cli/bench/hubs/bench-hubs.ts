import { alignedTable } from '../../command/aligned-table';
import {
  type CommandIo,
  type OptionValues,
  optionalInteger,
  optionalString,
  UsageError,
} from '../../command/command';
import { type CameraSimulation, simulateCameras } from './camera-simulation';
import { benchmarkHubs, type HubsBenchmark } from './hubs-benchmark';

/** `smolvlm bench --hubs 1,2,4`, and with `--cameras` a simulation. */
export async function benchHubs(values: OptionValues, io: CommandIo): Promise<number> {
  const counts = hubCounts(optionalString(values, 'hubs') ?? '');
  const common = {
    captionMs: optionalInteger(values, 'caption-ms', 1, 600_000) ?? 1000,
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
    const simulated = await simulateCameras({ ...common, cameras, hubs, intervalMs, durationMs });
    io.result(simulated, simulationReport(simulated));
    return 0;
  }
  const measured = await benchmarkHubs({
    ...common,
    hubs: counts,
    frames: optionalInteger(values, 'frames', 1, 10_000) ?? 20,
  });
  io.result(measured, report(measured));
  return 0;
}

function hubCounts(text: string): number[] {
  const counts = text.split(',').map(Number);
  if (counts.every((count) => Number.isSafeInteger(count) && count >= 1 && count <= 256)) return counts;
  throw new UsageError(
    `--hubs: expected numbers from 1 to 256 separated by commas, received "${text}"`,
    'For example: --hubs 1,2,4,8,16',
  );
}

function report({ captionMs, frameBytes, overhead, measurements }: HubsBenchmark): string {
  const rows = measurements.map(({ hubs, framesPerSecond, ratio, queueingMs, load }) => [
    String(hubs),
    framesPerSecond.toFixed(2),
    ratio === undefined ? '-' : ratio.toFixed(2),
    String(queueingMs.p50),
    String(queueingMs.p99),
    load.toFixed(1),
  ]);
  const head = ['hubs', 'frames/s', 'ratio', 'queueing p50 ms', 'p99', 'load'];
  const lines = (['queueMs', 'engineMs', 'addedMs'] as const).map((name) => {
    const { p50, p99, max } = overhead[name];
    const what = {
      queueMs: 'through the queue',
      engineMs: 'from the engine directly',
      addedMs: 'added by the queue',
    }[name];
    return [what, String(p50), String(p99), String(max)];
  });
  return [
    `captions of ${captionMs} ms, frames of ${frameBytes} bytes`,
    '',
    alignedTable(head, rows),
    '',
    alignedTable([`beyond the caption, ${overhead.frames} frames`, 'p50 ms', 'p99', 'max'], lines),
  ].join('\n');
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
