import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineClient } from '../../client/engine-client';
import { SmolvlmError } from '../../errors';
import type { CaptionResult, EngineEvent } from '../../protocol/events';
import { startBenchEngine } from './bench-engine';
import { benchmarkFrame } from './caption-benchmark';
import { type Percentiles, percentiles } from './hubs/percentiles';

export interface DoorbellOptions {
  readonly model: string;
  /** Cameras at full detail, each sends its next frame when the last one is answered. */
  readonly cameras: number;
  /** Doorbell frames alone, and as many among the cameras. */
  readonly presses: number;
  readonly threads: number;
  /** Of the engine's process. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly onProgress?: (line: string) => void;
}

/** Of a doorbell's frame at low detail, priority 10. */
export interface DoorbellBenchmark {
  /** From its request to its answer. */
  readonly aloneMs: Percentiles;
  readonly amongMs: Percentiles;
  /** The part of it that is not the frame's image, vision, prefill or decode phase. */
  readonly aloneWaitMs: Percentiles;
  readonly amongWaitMs: Percentiles;
  /** Its vision, one tile. On an NPU, tiles of the cameras that are in flight share the cores with it. */
  readonly aloneTileMs: Percentiles;
  readonly amongTileMs: Percentiles;
  /** What the cameras' frames still did from its request to its answer, in tiles. */
  readonly tilesOfOthers: Percentiles;
  readonly cameraFrames: number;
}

/** As long as a usual caption. */
const answerTokens = 30;

/** Measures how long an urgent frame waits alone, and among cameras that never pause. */
export async function benchmarkDoorbell(options: DoorbellOptions): Promise<DoorbellBenchmark> {
  const { model, presses, threads, signal, onProgress = () => {} } = options;
  const args = ['--model', model, '--threads', String(threads)];
  const engine = await startBenchEngine(args, signal, options.environment);
  const client = new EngineClient({ kind: 'socket', path: engine.socket });
  try {
    const scene = new Scene(client, await readFile(benchmarkFrame), signal);
    onProgress('the model is opened');
    await scene.doorbell();
    const frameMs = await scene.cameraFrame('warm-up');
    const alone: Press[] = [];
    const among: Press[] = [];
    // Alone before and after: the machine's load may change meanwhile.
    for (let press = 0; press < Math.ceil(presses / 2); press++) alone.push(await scene.doorbell());
    const cameras = scene.stream(options.cameras);
    for (let press = 0; press < presses; press++) {
      // At all moments of a frame: the golden ratio spreads them evenly.
      await delay(frameMs * (1 + ((press * 0.618034) % 1)), undefined, { signal });
      const pressed = await scene.doorbell();
      among.push(pressed);
      onProgress(
        `doorbell ${press + 1}: ${Math.round(pressed.ms)} ms, ${Math.round(pressed.waitMs)} of them waiting`,
      );
    }
    const cameraFrames = await cameras.stop();
    while (alone.length < presses) alone.push(await scene.doorbell());
    return {
      aloneMs: percentiles(alone.map(({ ms }) => ms)),
      amongMs: percentiles(among.map(({ ms }) => ms)),
      aloneWaitMs: percentiles(alone.map(({ waitMs }) => waitMs)),
      amongWaitMs: percentiles(among.map(({ waitMs }) => waitMs)),
      aloneTileMs: percentiles(alone.map(({ tileMs }) => tileMs)),
      amongTileMs: percentiles(among.map(({ tileMs }) => tileMs)),
      tilesOfOthers: percentiles(among.map(({ tilesOfOthers }) => tilesOfOthers)),
      cameraFrames,
    };
  } finally {
    await client.close();
    await engine.close();
  }
}

/** One doorbell frame. */
interface Press {
  readonly ms: number;
  readonly waitMs: number;
  readonly tileMs: number;
  readonly tilesOfOthers: number;
}

/** The cameras and the doorbell in front of one engine. */
class Scene {
  readonly #client: EngineClient;
  readonly #picture: Uint8Array;
  readonly #signal: AbortSignal;
  #frames = 0;
  #isWaiting = false;
  /** Stages that other frames have finished while the doorbell waits. */
  #others = 0;
  #stagesPerTile = 1;

  constructor(client: EngineClient, picture: Uint8Array, signal: AbortSignal) {
    this.#client = client;
    this.#picture = picture;
    this.#signal = signal;
  }

  async doorbell(): Promise<Press> {
    this.#others = 0;
    this.#isWaiting = true;
    const request = { camera: 'door', detail: 'low', priority: 10 } as const;
    const { ms, caption } = await this.#describe(request, (stages) => {
      this.#stagesPerTile = stages;
    });
    this.#isWaiting = false;
    const tilesOfOthers = Math.round((100 * this.#others) / this.#stagesPerTile) / 100;
    if (!caption) return await this.doorbell();
    const { image, vision, prefill, decode } = caption.timingsMs;
    return { ms, waitMs: ms - image - vision - prefill - decode, tileMs: vision, tilesOfOthers };
  }

  /** @returns milliseconds until its answer */
  async cameraFrame(camera: string): Promise<number> {
    const { ms } = await this.#describe({ camera, detail: 'full' }, () => {
      if (this.#isWaiting) this.#others += 1;
    });
    return ms;
  }

  /** @returns a function that waits for the last frames, and returns how many there were */
  stream(cameras: number): { stop(): Promise<number> } {
    let frames = 0;
    let streaming = true;
    const camera = async (name: string): Promise<void> => {
      while (streaming) {
        await this.cameraFrame(name);
        frames += 1;
      }
    };
    const all = Promise.all(Array.from({ length: cameras }, (_, index) => camera(`camera ${index}`)));
    all.catch(() => {});
    return {
      stop: async () => {
        streaming = false;
        await all;
        return frames;
      },
    };
  }

  async #describe(
    request: { readonly camera: string; readonly detail: 'low' | 'full'; readonly priority?: number },
    onStage: (stages: number) => void,
  ): Promise<{ readonly ms: number; readonly caption?: CaptionResult }> {
    this.#frames += 1;
    // A different crop is a different frame, so that nothing is cached. All are wide enough for 13 tiles.
    const crop = {
      x: 0,
      y: 0,
      width: 1 - Math.floor((this.#frames % 768) / 48) / 640,
      height: 0.9 - (this.#frames % 48) / 480,
    };
    const asked = { prompt: 'What is there?', maxNewTokens: answerTokens, crop, ...request };
    const onEvent = (event: EngineEvent): void => {
      if (event.type === 'progress' && event.phase === 'vision' && event.stage !== undefined)
        onStage(event.total);
    };
    const startedAt = performance.now();
    const final = await this.#client.describe(asked, [this.#picture], { onEvent, signal: this.#signal });
    const ms = performance.now() - startedAt;
    this.#signal.throwIfAborted();
    if (final.type === 'result') return { ms, caption: final.result };
    if (final.type === 'dropped') throw new Error(`the engine dropped the frame: ${final.message}`);
    // With random weights an answer may be empty.
    if (final.error.code !== 'caption-empty') throw SmolvlmError.from(final.error);
    return { ms };
  }
}
