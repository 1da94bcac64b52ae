import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NatsEngine } from '../../../nats/client/nats-engine';
import { parseNatsAddress } from '../../../nats/nats-address';
import { ResourceStack } from '../../../system/async/resource-stack';
import { HubProcess } from './hub-process';
import { NatsServer } from './nats-server';
import { type Percentiles, percentiles } from './percentiles';
import { type ServerUsage, watchUsage } from './server-usage';

export interface CameraSimulationOptions {
  readonly cameras: number;
  readonly hubs: number;
  readonly captionMs: number;
  readonly frameBytes: number;
  /** Between two frames of a camera. */
  readonly intervalMs: number;
  readonly durationMs: number;
  readonly signal: AbortSignal;
  readonly onProgress: (step: string) => void;
}

export interface CameraSimulation {
  readonly cameras: number;
  readonly hubs: number;
  readonly seconds: number;
  readonly sent: number;
  readonly captions: number;
  /** A newer frame of the camera took their place. */
  readonly superseded: number;
  /** Other drops and errors, by reason or code. */
  readonly others: Readonly<Record<string, number>>;
  /** Captions of the cameras with the fewest, the median and the most. */
  readonly captionsPerCamera: { readonly fewest: number; readonly median: number; readonly most: number };
  /** From the picture to its caption. */
  readonly ageMs: Percentiles;
  readonly server: ServerUsage;
  readonly load: number;
}

const hubsPerProcess = 16;

/** Many cameras and hubs on one machine, in few processes: what becomes of the frames, and what the server uses. */
export async function simulateCameras(options: CameraSimulationOptions): Promise<CameraSimulation> {
  const folder = await mkdtemp(join(tmpdir(), 'smolvlm-bench-'));
  const opened = new ResourceStack();
  opened.own(() => rm(folder, { recursive: true, force: true }));
  try {
    const server = await NatsServer.start({ folder: join(folder, 'nats') });
    opened.own(() => server.stop());
    options.onProgress(`${options.hubs} hubs`);
    for (let left = options.hubs; left > 0; left -= hubsPerProcess) {
      const hubs = Math.min(left, hubsPerProcess);
      const started = await HubProcess.startPaced({ url: server.url, captionMs: options.captionMs, hubs });
      opened.own(() => started.kill());
    }
    const maxKeptBytes = 2 * options.cameras * options.frameBytes + 1;
    const client = new NatsEngine(parseNatsAddress(server.url), { maxKeptBytes });
    opened.own(() => client.close());
    await client.open();
    options.onProgress(`${options.cameras} cameras for ${options.durationMs / 1000} s`);
    const usage = watchUsage(server.pid ?? 0, server.store);
    const sent = await sendFrames(client, options);
    return { ...sent, server: await usage(), load: loadavg()[0] ?? Number.NaN };
  } finally {
    await opened.close();
  }
}

async function sendFrames(
  client: NatsEngine,
  { cameras, hubs, frameBytes, intervalMs, durationMs, signal }: CameraSimulationOptions,
): Promise<Omit<CameraSimulation, 'server' | 'load'>> {
  const picture = randomBytes(frameBytes);
  const perCamera = Array.from({ length: cameras }, () => 0);
  const ages: number[] = [];
  const others: Record<string, number> = {};
  const requests: Promise<void>[] = [];
  let superseded = 0;
  // Each camera waits on it.
  setMaxListeners(0, signal);
  const send = async (camera: number): Promise<void> => {
    const sentAt = performance.now();
    const final = await client.describe({ camera: `camera-${camera}`, prompt: 'x' }, [picture]);
    if (final.type === 'result') {
      perCamera[camera] = (perCamera[camera] ?? 0) + 1;
      ages.push(performance.now() - sentAt);
    } else {
      const why = final.type === 'dropped' ? final.reason : final.error.code;
      if (why === 'superseded') superseded += 1;
      else others[why] = (others[why] ?? 0) + 1;
    }
  };
  const startedAt = performance.now();
  const until = startedAt + durationMs;
  await Promise.all(
    perCamera.map(async (_, camera) => {
      await delay(Math.random() * intervalMs, undefined, { signal });
      while (performance.now() < until) {
        requests.push(send(camera));
        // Clocks of cameras differ a little.
        await delay(intervalMs * (0.95 + Math.random() / 10), undefined, { signal });
      }
    }),
  );
  await Promise.all(requests);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const counts = perCamera.toSorted((a, b) => a - b);
  const at = (index: number): number => counts[Math.floor(index)] ?? 0;
  return {
    cameras,
    hubs,
    seconds,
    sent: requests.length,
    captions: ages.length,
    superseded,
    others,
    captionsPerCamera: { fewest: at(0), median: at(cameras / 2), most: at(cameras - 1) },
    ageMs: percentiles(ages),
  };
}
