import assert from 'node:assert/strict';
import type { Caption, Inference, InferenceHooks } from '../../src/inference/inference';

/** Describes a frame at a time, each until it is told to answer. */
export class HeldInference implements Inference {
  readonly framesInFlight = 1;
  /** The descriptions that were begun, oldest first. */
  readonly begun: { readonly id: string; readonly hooks: InferenceHooks }[] = [];
  /** Answers the newest of them. */
  answer: () => void = () => assert.fail('nothing was begun');

  async describe(
    _pictures: unknown,
    { id }: { readonly id: string },
    hooks: InferenceHooks,
  ): Promise<Caption> {
    this.begun.push({ id, hooks });
    await new Promise<void>((resolve) => {
      this.answer = resolve;
    });
    return { text: id } as Caption;
  }

  encode(): never {
    return assert.fail('not called');
  }

  models(): [] {
    return [];
  }

  async close(): Promise<void> {}
}
