import { setTimeout as delay } from 'node:timers/promises';
import type { Caption, InferenceHooks, OpenCaptioner } from '../../../inference/inference';
import { ModelledNpu } from './modelled-npu';
import { modelledSchedule } from './modelled-schedule';

export interface ModelledTimes {
  readonly visionMs: number;
  readonly textMs: number;
}

export function modelledCaption(
  model: string,
  tiles: number,
  { visionMs, textMs }: ModelledTimes,
  prompt = '',
): Caption {
  return {
    text: 'A modelled caption.',
    tokenIds: [],
    promptTokens: 0,
    tiles,
    finishReason: 'stop',
    timingsMs: { image: 0, vision: visionMs, prefill: 0, decode: textMs, total: visionMs + textMs },
    model,
    backend: 'modelled',
    cached: false,
    frameHash: '',
    prompt,
  };
}

/** Takes the time of a caption. */
interface ModelledDevice {
  readonly framesInFlight: number;
  caption(hooks: InferenceHooks, priority?: number): Promise<ModelledTimes>;
}

/** One frame at a time, each for the same time. */
function fixedDevice(captionMs: number): ModelledDevice {
  return {
    framesInFlight: 1,
    caption: async ({ onProgress, signal }) => {
      const startedAt = performance.now();
      onProgress({ phase: 'vision', done: 1, total: 1 });
      await delay(captionMs, undefined, { signal });
      return { visionMs: performance.now() - startedAt, textMs: 0 };
    },
  };
}

/** A captioner that takes the times of the schedule in its model's name, and computes nothing. */
export const openCaptioner: OpenCaptioner = async ({ model }) => {
  const schedule = modelledSchedule(model);
  const device = schedule.kind === 'npu' ? new ModelledNpu(schedule) : fixedDevice(schedule.captionMs);
  return {
    backend: 'modelled',
    memoryBytes: 0,
    framesInFlight: device.framesInFlight,
    close: async () => {},
    encode: () => Promise.reject(new Error('a modelled captioner has no features')),
    describe: async (pictures, request, hooks): Promise<Caption> => {
      const times = await device.caption(hooks, request.priority);
      return modelledCaption(model, pictures.length, times, request.prompt);
    },
  };
};
