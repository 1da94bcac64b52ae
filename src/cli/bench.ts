import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { benchmarkVision } from '../convert/validate/vision-benchmark';
import { checkpointsFolder } from '../model/cache-folder';
import { openCheckpoint } from '../model/checkpoint/checkpoint';
import { resolveModel } from '../model/hub/resolve-model';
import { limits } from '../protocol/limits';
import { cpuPrecisions } from '../protocol/models/conversion-choices';
import type { Settings } from '../system/settings';
import { benchDoorbell } from './bench/bench-doorbell';
import { chosenBenchmark } from './bench/benchmark-options';
import { boardReport } from './bench/board/board-report';
import { benchmarkCaption } from './bench/caption-benchmark';
import { benchmarkDecoder } from './bench/decoder-benchmark';
import { benchmarkSchedule, timelineSvg } from './bench/emulator/schedule-benchmark';
import { benchmarkOverhead, type Overhead } from './bench/engine-overhead';
import {
  benchmarkMemory,
  type MeasuredPrecision,
  type MemoryBenchmark,
  measureMemory,
} from './bench/memory-benchmark';
import {
  type Command,
  type CommandIo,
  type OptionValues,
  optionalChoice,
  optionalInteger,
  optionalString,
  UsageError,
} from './command/command';
import { checkOutputFile } from './command/output-file';
import { bundleWithReference } from './convert/bundle-with-reference';

/** By socket, and by TCP: enough for a 99th percentile. */
const overheadCaptions = 100;

function inMilliseconds({ p50Ms, p99Ms, maxMs }: Overhead) {
  return { p50: p50Ms, p99: p99Ms, max: maxMs };
}

async function benchEmulator(values: OptionValues, io: CommandIo): Promise<number> {
  const cores = optionalInteger(values, 'cores', 1, 3) ?? 3;
  const timeline = optionalString(values, 'timeline');
  if (timeline !== undefined) await checkOutputFile('--timeline', timeline);
  const measured = await benchmarkSchedule({
    cores,
    tiles: 13,
    stageMs: 10,
    zeroCopy: values['zero-copy'] === true,
    signal: io.signal,
  });
  if (timeline !== undefined) await writeFile(timeline, timelineSvg(measured));
  const document = {
    sequential_ms: measured.sequentialMs,
    pipelined_ms: measured.pipelinedMs,
    ratio: measured.ratio,
    single_tile_overhead: measured.singleTileOverhead,
    cores: measured.cores,
  };
  io.result(document, JSON.stringify(document, null, 2));
  return 0;
}

async function benchBoard(values: OptionValues, io: CommandIo, settings: Settings): Promise<number> {
  const out = optionalString(values, 'out') ?? 'board-report.json';
  const model = optionalString(values, 'model');
  if (model === undefined)
    throw new UsageError('--model is missing', 'Give a bundle converted for this board.');
  await checkOutputFile('--out', out);
  const { dir } = await resolveModel(model, checkpointsFolder(settings.cacheDir));
  const bundle = await bundleWithReference(dir, values, io, settings);
  if (bundle.manifest.target === 'cpu')
    throw new UsageError(`${model} was made for the CPU`, 'Give a bundle for the NPU.');
  const report = await boardReport(bundle, io, settings);
  await writeFile(out, `${JSON.stringify(report, null, 2)}\n`);
  io.result(
    { out, report },
    `${out}: send this file back; docs/board-checklist.md lists the expected values`,
  );
  return 0;
}

/** `smolvlm bench`: compares times within one run; absolute times depend on the machine and its load. */
export const command: Command = {
  summary: 'Measure a model on this machine: times, speeds, memory, and their ratios within one run',
  usage:
    'bench [--model M] [--threads N] [--passes N]\n' +
    '       smolvlm bench --board --model BUNDLE [--checkpoint M] [--out board-report.json]   (on a board with an NPU)\n' +
    '       smolvlm bench --emulator [--cores 2|3] [--zero-copy] [--timeline F.svg]   (the NPU schedule, in a clone with a C compiler)\n' +
    '       smolvlm bench --cameras 4 [--emulator [--cores 2|3]] [--model M] [--threads N] [--passes N]   (an urgent frame among busy cameras)\n' +
    '       smolvlm bench --hubs 1,2,4 [--caption-ms N | --emulator] [--frame-bytes N] [--frames N]   (a shared queue, with nats-server)\n' +
    '       smolvlm bench --hubs 64 --cameras 1000 [--interval S] [--seconds S]   (the same, simulated in few processes)',
  options: {
    emulator: { type: 'boolean' },
    board: { type: 'boolean' },
    out: { type: 'string' },
    cores: { type: 'string' },
    timeline: { type: 'string' },
    'zero-copy': { type: 'boolean' },
    hubs: { type: 'string' },
    'caption-ms': { type: 'string' },
    'frame-bytes': { type: 'string' },
    frames: { type: 'string' },
    cameras: { type: 'string' },
    interval: { type: 'string' },
    seconds: { type: 'string' },
    model: { type: 'string' },
    checkpoint: { type: 'string' },
    threads: { type: 'string' },
    passes: { type: 'string' },
    // Used by the processes that the command itself starts.
    memory: { type: 'string' },
    part: { type: 'string' },
  },
  async run(values, _positionals, io, settings) {
    const benchmark = chosenBenchmark(values);
    if (benchmark === 'hubs') return (await import('./bench/hubs/bench-hubs.js')).benchHubs(values, io);
    if (benchmark === 'cameras') return benchDoorbell(values, io, settings);
    if (benchmark === 'emulator') return benchEmulator(values, io);
    if (benchmark === 'board') return benchBoard(values, io, settings);
    const model = typeof values.model === 'string' ? values.model : 'demo';
    const threads = optionalInteger(values, 'threads', 1, limits.threads) ?? availableParallelism();
    const passes = optionalInteger(values, 'passes', 1, 1000) ?? 7;
    const { signal } = io;
    const precision = optionalChoice(values, 'memory', cpuPrecisions);
    if (precision) {
      const part = optionalChoice(values, 'part', ['prepare', 'caption']) ?? 'caption';
      io.result(await measureMemory(model, precision, part, { threads, signal, settings }), '');
      return 0;
    }
    const { dir, kind } = await resolveModel(model, checkpointsFolder(settings.cacheDir));
    if (kind !== 'checkpoint')
      throw new UsageError(`${model} is a bundle`, 'Give a checkpoint: every precision is made from it.');
    const checkpoint = await openCheckpoint(dir);
    try {
      const options = { threads, passes, signal };
      const vision = await benchmarkVision(checkpoint, { ...options, onProgress: io.log });
      io.log('decoder');
      const decoder = await benchmarkDecoder(checkpoint, options);
      io.log('two questions about one frame');
      const caption = await benchmarkCaption(dir, { ...options, settings });
      io.log('what the engine adds to a caption');
      const engine = await benchmarkOverhead(overheadCaptions, signal);
      const memory: Partial<Record<MeasuredPrecision, MemoryBenchmark>> = {};
      for (const each of cpuPrecisions) {
        io.log(`memory in ${each}`);
        memory[each] = await benchmarkMemory(dir, each, threads);
      }
      const document = {
        machine: {
          cpu: cpus()[0]?.model ?? 'unknown',
          cores: availableParallelism(),
          memory_bytes: totalmem(),
          threads,
        },
        model,
        image_ms: caption.imageMs,
        vision_ms_per_tile: vision.int8MsPerTile,
        prefill_ms: decoder.prefillMs,
        decode_tokens_per_s: 1000 / decoder.stepMs.int8,
        engine_overhead_ms: {
          socket: inMilliseconds(engine.socket),
          tcp: inMilliseconds(engine.tcp),
          status: inMilliseconds(engine.status),
          captions: engine.captions,
          frame_bytes: engine.frameBytes,
        },
        peak_rss_bytes: memory.int8?.captionPeakBytes,
        ratios: {
          stages_vs_graph: vision.ratios.stagesToOneGraph,
          int8_vision_vs_float32: vision.ratios.int8ToFloat32,
          int8_decode_vs_float32: decoder.stepMs.float32 / decoder.stepMs.int8,
          int4_decode_vs_float32: decoder.stepMs.float32 / decoder.stepMs.int4,
          context_8192_vs_1024: decoder.largeLimitStepMs / decoder.smallLimitStepMs,
          tokens_900_vs_100: decoder.stepMs.int8 / decoder.longStepMs.int8,
          second_question_vs_first: caption.secondQuestionMs / caption.firstQuestionMs,
        },
        details: { vision, decoder, caption, memory },
      };
      io.result(document, JSON.stringify(document, null, 2));
    } finally {
      await checkpoint.close();
    }
    return 0;
  },
};
