import { setTimeout as delay } from 'node:timers/promises';
import type { Caption, OpenCaptioner } from '../../../inference/inference';

/** Names the model whose captions take so long. */
export function modelledName(captionMs: number): string {
  return `modelled-${captionMs}-ms`;
}

/** @param totalMs time that the caption took, all of it for vision */
export function modelledCaption(model: string, tiles: number, totalMs: number, prompt = ''): Caption {
  return {
    text: 'A modelled caption.',
    tokenIds: [],
    promptTokens: 0,
    tiles,
    finishReason: 'stop',
    timingsMs: { image: 0, vision: totalMs, prefill: 0, decode: 0, total: totalMs },
    model,
    backend: 'modelled',
    cached: false,
    frameHash: '',
    prompt,
  };
}

/** A captioner that takes the time in its model's name for each caption and computes nothing: one frame at a time, as one NPU does. */
export const openCaptioner: OpenCaptioner = async ({ model }) => {
  const captionMs = Number(/\d+/.exec(model)?.[0]);
  return {
    backend: 'modelled',
    memoryBytes: 0,
    framesInFlight: 1,
    close: async () => {},
    encode: () => Promise.reject(new Error('a modelled captioner has no features')),
    describe: async (pictures, request, hooks): Promise<Caption> => {
      const startedAt = performance.now();
      hooks.onProgress({ phase: 'vision', done: 1, total: 1 });
      await delay(captionMs, undefined, { signal: hooks.signal });
      return modelledCaption(model, pictures.length, performance.now() - startedAt, request.prompt);
    },
  };
};
