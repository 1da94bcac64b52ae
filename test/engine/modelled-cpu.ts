import type { Caption, Inference, InferenceHooks } from '../../src/inference/inference';
import { PriorityGate } from '../../src/inference/priority-gate';
import type { DescribeRequest } from '../../src/protocol/describe-request';
import { PriorityMutex } from '../../src/system/async/priority-mutex';
import type { Clock } from '../../src/system/clock';

/** Times of a CPU of two cores; a piece of the prompt takes less than a tile. */
export const modelled = { tileMs: 1000, pieceMs: 700, tokenMs: 50, tilesFull: 13, piecesFull: 5, tokens: 20 };

/** Time of a frame with nothing else to do. */
export function aloneMs(detail: 'low' | 'full'): number {
  const [tiles, pieces] = detail === 'full' ? [modelled.tilesFull, modelled.piecesFull] : [1, 1];
  return tiles * modelled.tileMs + pieces * modelled.pieceMs + modelled.tokens * modelled.tokenMs;
}

/** Computes one step at a time, each of a known duration on the test's clock; keeps a log of the tiles. */
export class ModelledCpu implements Inference {
  readonly framesInFlight = 1;
  /** Tiles by request id: none is computed twice. */
  readonly tiles = new Map<string, number>();
  readonly #gate = new PriorityGate();
  readonly #processor = new PriorityMutex();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async describe(
    _pictures: readonly Uint8Array[],
    { id, detail, priority = 0 }: DescribeRequest,
    { signal }: InferenceHooks,
  ): Promise<Caption> {
    const ticket = this.#gate.enter(priority);
    const step = async (ms: number): Promise<void> => {
      await ticket.pass(signal);
      await this.#processor.enter(
        () => new Promise<void>((resolve) => this.#clock.after(ms, resolve)),
        priority,
      );
    };
    try {
      const [tiles, pieces] = detail === 'full' ? [modelled.tilesFull, modelled.piecesFull] : [1, 1];
      for (let tile = 0; tile < tiles; tile++) {
        await step(modelled.tileMs);
        this.tiles.set(id, (this.tiles.get(id) ?? 0) + 1);
      }
      for (let piece = 0; piece < pieces; piece++) await step(modelled.pieceMs);
      for (let token = 0; token < modelled.tokens; token++) await step(modelled.tokenMs);
      return { text: id } as Caption;
    } finally {
      ticket.leave();
    }
  }

  encode = (): never => {
    throw new Error('not called');
  };
  models = (): [] => [];
  close = async (): Promise<void> => undefined;
}
