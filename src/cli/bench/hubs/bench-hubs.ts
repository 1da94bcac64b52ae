import { alignedTable } from '../../aligned-table';
import {
  type CommandIo,
  type OptionValues,
  optionalInteger,
  optionalString,
  UsageError,
} from '../../command';
import { benchmarkHubs, type HubsBenchmark } from './hubs-benchmark';

/** `smolvlm bench --hubs 1,2,4`. */
export async function benchHubs(values: OptionValues, io: CommandIo): Promise<number> {
  const measured = await benchmarkHubs({
    hubs: hubCounts(optionalString(values, 'hubs') ?? ''),
    captionMs: optionalInteger(values, 'caption-ms', 1, 600_000) ?? 1000,
    frameBytes: optionalInteger(values, 'frame-bytes', 1, 100_000_000) ?? 200_000,
    frames: optionalInteger(values, 'frames', 1, 10_000) ?? 20,
    signal: io.signal,
    onProgress: io.log,
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
