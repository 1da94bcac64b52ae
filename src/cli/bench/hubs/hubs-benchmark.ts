import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineApi } from '../../../client/engine-api';
import { EngineClient } from '../../../client/engine-client';
import { SmolvlmError } from '../../../errors';
import { NatsEngine } from '../../../nats/client/nats-engine';
import { parseNatsAddress } from '../../../nats/nats-address';
import { ResourceStack } from '../../../system/async/resource-stack';
import { defined } from '../../../system/defined';
import { HubProcess } from './hub-process';
import { type ModelledSchedule, modelledName } from './modelled-schedule';
import { NatsServer } from './nats-server';
import { type Percentiles, percentiles } from './percentiles';

export interface HubsBenchmarkOptions {
  /** Numbers of hubs to measure, e.g. 1, 2, 4. */
  readonly hubs: readonly number[];
  readonly schedules: readonly ModelledSchedule[];
  readonly frameBytes: number;
  /** Frames for each hub, in each of the two measurements. */
  readonly frames: number;
  readonly signal: AbortSignal;
  readonly onProgress: (step: string) => void;
}

export interface HubsMeasurement {
  readonly hubs: number;
  readonly framesPerSecond: number;
  /** Its throughput over that of one hub; absent without a measurement of one hub. */
  readonly ratio?: number;
  /** From the request to the start of the caption, with cameras that use 70 % of the hubs' time. */
  readonly queueingMs: Percentiles;
  /** Load average of the machine afterwards. */
  readonly load: number;
}

/** Milliseconds beyond the caption's own, through the queue and from the same engine directly, in turns. */
export interface QueueOverhead {
  readonly queueMs: Percentiles;
  readonly engineMs: Percentiles;
  /** What the queue adds to the engine's. */
  readonly addedMs: Percentiles;
  readonly frames: number;
  /** Whether the 99th percentile of what the queue adds is within its bound of 15 ms. */
  readonly isWithinBound: boolean;
}

export interface ScheduleMeasurements {
  readonly schedule: ModelledSchedule;
  readonly measurements: readonly HubsMeasurement[];
}

export interface HubsBenchmark {
  readonly frameBytes: number;
  readonly overhead: QueueOverhead;
  readonly schedules: readonly ScheduleMeasurements[];
}

/** Share of the hubs' time that cameras use while queueing times are measured. */
const usage = 0.7;
/** More than a hub has room for. */
const camerasPerHub = 6;
/** Enough that the 99th percentile is not one or two single frames. */
const overheadFrames = 1000;
/** Frames by each way before those that count: V8 compiles the code of client and hub within their first seconds. */
const warmUpFrames = 30;
const overheadSchedule = { kind: 'fixed', captionMs: 20 } as const;
/** What the queue may add to a frame of 200 KB, at the 99th percentile. */
export const overheadBoundMs = 15;

/**
 * Measures a shared queue on this machine: a real nats-server, hubs in their own processes whose captioners take a
 * modelled time, and requests with frames of random bytes.
 * @throws SmolvlmError `bench-nats-server`, `bench-hub`, and what ends a request
 */
export async function benchmarkHubs(options: HubsBenchmarkOptions): Promise<HubsBenchmark> {
  const { schedules, frameBytes, onProgress } = options;
  onProgress('overhead of the queue');
  const overhead = await withHubs(1, overheadSchedule, (client, [socket = '']) =>
    measureOverhead(client, new EngineClient({ kind: 'socket', path: socket }), options),
  );
  const measured: ScheduleMeasurements[] = [];
  for (const schedule of schedules) {
    measured.push({ schedule, measurements: await measureSchedule(schedule, options) });
  }
  return { frameBytes, overhead, schedules: measured };
}

async function measureSchedule(
  schedule: ModelledSchedule,
  options: HubsBenchmarkOptions,
): Promise<readonly HubsMeasurement[]> {
  const measurements: HubsMeasurement[] = [];
  for (const hubs of options.hubs) {
    options.onProgress(`${hubs} ${hubs === 1 ? 'hub' : 'hubs'}, ${modelledName(schedule)}`);
    const measured = await withHubs(hubs, schedule, (client) => measure(client, hubs, options));
    const one = measurements.find((each) => each.hubs === 1) ?? (hubs === 1 ? measured : undefined);
    const ratio = one && measured.framesPerSecond / one.framesPerSecond;
    measurements.push({ ...measured, ...defined({ ratio }) });
  }
  return measurements;
}

async function withHubs<T>(
  count: number,
  schedule: ModelledSchedule,
  use: (client: NatsEngine, sockets: readonly string[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'smolvlm-bench-'));
  const opened = new ResourceStack();
  opened.own(() => rm(folder, { recursive: true, force: true }));
  try {
    const server = await NatsServer.start({ folder: join(folder, 'nats') });
    opened.own(() => server.stop());
    const sockets = Array.from({ length: count }, (_, index) => join(folder, `hub-${index}.sock`));
    for (const socketPath of sockets) {
      const hub = await HubProcess.start({ url: server.url, model: modelledName(schedule), socketPath });
      opened.own(() => hub.kill());
    }
    const client = new NatsEngine(parseNatsAddress(server.url));
    opened.own(() => client.close());
    // Each engine loads its model with its first frame.
    await Promise.all(sockets.map((_, index) => caption(client, `warm-up-${index}`, Buffer.from('.'))));
    return await use(client, sockets);
  } finally {
    await opened.close();
  }
}

async function measure(
  client: NatsEngine,
  hubs: number,
  { frames, frameBytes, signal }: HubsBenchmarkOptions,
): Promise<HubsMeasurement> {
  const picture = randomBytes(frameBytes);
  const total = hubs * frames;
  const startedAt = performance.now();
  // While each hub works on as many frames as it has room for, others wait.
  const left = Array.from({ length: total }, (_, index) => index);
  await Promise.all(
    Array.from({ length: Math.min(total, hubs * camerasPerHub) }, async (_, camera) => {
      while (left.pop() !== undefined) {
        signal.throwIfAborted();
        await caption(client, `camera-${camera}`, picture);
      }
    }),
  );
  const framesPerSecond = (total * 1000) / (performance.now() - startedAt);
  const waits: Promise<number>[] = [];
  for (let sent = 0; sent < total; sent++) {
    waits.push(caption(client, `single-${sent}`, picture).then(({ waitedMs }) => waitedMs));
    // Independent cameras: intervals of a Poisson process.
    await delay((-Math.log(1 - Math.random()) * 1000) / (framesPerSecond * usage), undefined, { signal });
  }
  return {
    hubs,
    framesPerSecond,
    queueingMs: percentiles(await Promise.all(waits)),
    load: loadavg()[0] ?? Number.NaN,
  };
}

async function measureOverhead(
  client: NatsEngine,
  engine: EngineClient,
  { frameBytes, signal }: HubsBenchmarkOptions,
): Promise<QueueOverhead> {
  const picture = randomBytes(frameBytes);
  const times = { queue: [] as number[], engine: [] as number[] };
  try {
    for (let frame = -warmUpFrames; frame < overheadFrames; frame++) {
      signal.throwIfAborted();
      const throughQueue = await caption(client, 'porch', picture);
      const direct = await caption(engine, 'porch', picture);
      if (frame < 0) continue;
      times.queue.push(throughQueue.beyondMs);
      times.engine.push(direct.beyondMs);
    }
  } finally {
    await engine.close();
  }
  const added = times.queue.map((ms, index) => ms - (times.engine[index] ?? 0));
  const addedMs = percentiles(added);
  return {
    queueMs: percentiles(times.queue),
    engineMs: percentiles(times.engine),
    addedMs,
    frames: overheadFrames,
    isWithinBound: addedMs.p99 <= overheadBoundMs,
  };
}

interface TimedCaption {
  /** From the request to the start of the caption. */
  readonly waitedMs: number;
  /** Time of the whole request less the caption's. */
  readonly beyondMs: number;
}

async function caption(engine: EngineApi, camera: string, picture: Uint8Array): Promise<TimedCaption> {
  const startedAt = performance.now();
  let waitedMs: number | undefined;
  const final = await engine.describe({ camera, prompt: 'What is there?' }, [picture], {
    onEvent: ({ type }) => {
      if (type === 'progress') waitedMs ??= performance.now() - startedAt;
    },
  });
  if (final.type === 'error') throw SmolvlmError.from(final.error);
  if (final.type === 'dropped')
    throw new SmolvlmError('bench-dropped', `a frame was dropped: ${final.message}`);
  const totalMs = performance.now() - startedAt;
  const beyondMs = totalMs - final.result.timingsMs.total;
  return { beyondMs, waitedMs: waitedMs ?? beyondMs };
}
