import { setTimeout as delay } from 'node:timers/promises';
import type { OpenCaptioner } from '../../src/inference/inference';
import { SharedNpuLock } from '../../src/platform/npu/shared-npu-lock';

/** A captioner that holds the lock whose path is its model, as one on the NPU does, and takes a while to close. */
export const openCaptioner: OpenCaptioner = async ({ model }) => {
  const lock = await SharedNpuLock.take({ lockPath: model });
  return {
    backend: 'exclusive',
    memoryBytes: 1,
    framesInFlight: 1,
    close: async () => {
      await delay(200);
      await lock.release();
    },
    encode: () => Promise.reject(new Error('not called')),
    describe: async (_pictures, { prompt = '' }) => {
      return {
        text: prompt,
        tokenIds: [1],
        promptTokens: 1,
        tiles: 1,
        finishReason: 'stop',
        timingsMs: { image: 0, vision: 0, prefill: 0, decode: 0, total: 0 },
        model,
        backend: 'exclusive',
        cached: false,
        frameHash: '00',
        prompt,
      };
    },
  };
};
