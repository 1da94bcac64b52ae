import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { EngineClient } from '../../client/engine-client';
import { SmolvlmError } from '../../errors';
import { startBenchEngine } from './bench-engine';
import { benchmarkFrame } from './caption-benchmark';

/** Milliseconds that captions took beyond their phases image, vision, prefill and decode. */
export interface Overhead {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface EngineOverhead {
  readonly socket: Overhead;
  readonly tcp: Overhead;
  /** A request for the status by the socket, at the same times: what a busy machine adds to any answer. */
  readonly status: Overhead;
  readonly captions: number;
  readonly frameBytes: number;
}

/** Captions by each way before those that count: V8 compiles an engine's code within its first seconds, 4–6 ms a caption. */
const warmUp = 30;

/** Threads of onnxruntime spin for a while after a caption; a camera's next frame comes later. */
const pauseMs = 30;

/**
 * What an engine in its own process adds to a caption, by unix socket and by TCP in turns: from the client's call to its
 * answer, less the phases that the answer states. The demo model writes one token, so that there are many captions.
 * @param captions by each way
 */
export async function benchmarkOverhead(captions: number, signal: AbortSignal): Promise<EngineOverhead> {
  const frame = await cameraFrame();
  const engine = await startBenchEngine(['--model', 'demo', '--threads', '1'], signal);
  const clients: EngineClient[] = [];
  try {
    const bySocket = new EngineClient({ kind: 'socket', path: engine.socket });
    const byTcp = new EngineClient({ kind: 'remote', url: engine.url });
    clients.push(bySocket, byTcp);
    let frames = 0;
    const caption = (client: EngineClient) => (): Promise<number> => {
      frames += 1;
      // A different crop is a different frame, so that nothing is cached.
      return overheadOf(client, frame, {
        x: 0,
        y: 0,
        width: 1 - Math.floor(frames / 500) / 1920,
        height: 1 - (frames % 500) / 1080,
      });
    };
    const measurements = {
      socket: caption(bySocket),
      tcp: caption(byTcp),
      status: async (): Promise<number> => {
        const startedAt = performance.now();
        await bySocket.status();
        return performance.now() - startedAt;
      },
    };
    const names = ['socket', 'tcp', 'status'] as const;
    const times: Record<(typeof names)[number], number[]> = { socket: [], tcp: [], status: [] };
    for (let pass = 0; pass < captions + warmUp; pass++) {
      for (let turn = 0; turn < names.length; turn++) {
        const name = names[(turn + pass) % names.length] ?? 'socket';
        await delay(pauseMs, undefined, { signal });
        const ms = await measurements[name]();
        if (pass >= warmUp) times[name].push(ms);
      }
    }
    return {
      socket: summary(times.socket),
      tcp: summary(times.tcp),
      status: summary(times.status),
      captions,
      frameBytes: frame.length,
    };
  } finally {
    for (const client of clients) await client.close();
    await engine.close();
  }
}

/** A camera's frame of 1920 × 1080 pixels, about 200 KB as a JPEG. */
async function cameraFrame(): Promise<Buffer> {
  return sharp(benchmarkFrame).resize(1920, 1080, { fit: 'fill' }).jpeg({ quality: 86 }).toBuffer();
}

async function overheadOf(
  client: EngineClient,
  frame: Uint8Array,
  crop: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): Promise<number> {
  const startedAt = performance.now();
  const final = await client.describe({ prompt: 'What is there?', crop, maxNewTokens: 1 }, [frame]);
  const totalMs = performance.now() - startedAt;
  if (final.type === 'error') throw SmolvlmError.from(final.error);
  if (final.type === 'dropped') throw new Error(`the engine dropped the frame: ${final.message}`);
  const { image, vision, prefill, decode } = final.result.timingsMs;
  return totalMs - image - vision - prefill - decode;
}

/** @param times at least one */
function summary(times: readonly number[]): Overhead {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const index = Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1);
    return Math.round((sorted[index] ?? Number.NaN) * 100) / 100;
  };
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}
