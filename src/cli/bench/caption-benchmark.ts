import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SmolvlmError } from '../../errors';
import { openCaptioner } from '../../inference/captioner';
import type { Captioner } from '../../inference/inference';
import { demoModelFolder } from '../../model/hub/resolve-model';
import type { DescribeRequest } from '../../protocol/describe-request';
import type { InferenceSettings } from '../../system/settings';
import { meanMs } from './interleaved';

/** A shipped frame of 640 × 480 pixels: 13 tiles at full detail. */
export const benchmarkFrame = join(demoModelFolder, '..', 'demo-frames', 'frame_09_street_day.jpg');

/** Milliseconds to the first token of an answer about one frame at full detail, the fastest pass of each. */
export interface CaptionBenchmark {
  readonly firstQuestionMs: number;
  readonly secondQuestionMs: number;
  readonly imageMs: number;
  readonly promptTokens: number;
  readonly tiles: number;
}

export async function benchmarkCaption(
  model: string,
  options: {
    readonly threads: number;
    readonly passes: number;
    readonly signal: AbortSignal;
    readonly settings: InferenceSettings;
  },
): Promise<CaptionBenchmark> {
  const { threads, passes, signal, settings } = options;
  const captioner = await openCaptioner({ model, threads, signal, settings });
  try {
    const picture = await readFile(benchmarkFrame);
    let [first, second, image] = [
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ];
    let last: FirstToken | undefined;
    for (let pass = 0; pass <= passes; pass++) {
      // A different crop is a different frame, so that nothing is cached.
      const crop = { x: 0, y: 0, width: 1, height: 1 - (pass + 1) / 480 };
      const fresh = await firstToken(
        captioner,
        picture,
        { id: 'first', prompt: 'What is there?', crop },
        signal,
      );
      last = await firstToken(captioner, picture, { id: 'second', prompt: 'Is there a cat?', crop }, signal);
      if (pass === 0) continue;
      first = Math.min(first, fresh.ms);
      second = Math.min(second, last.ms);
      image = Math.min(image, fresh.imageMs);
    }
    return {
      firstQuestionMs: first,
      secondQuestionMs: second,
      imageMs: image,
      promptTokens: last?.promptTokens ?? 0,
      tiles: last?.tiles ?? 0,
    };
  } finally {
    await captioner.close();
  }
}

interface FirstToken {
  readonly ms: number;
  /** Time until the vision tower started. */
  readonly imageMs: number;
  readonly promptTokens: number;
  readonly tiles: number;
}

async function firstToken(
  captioner: Captioner,
  picture: Uint8Array,
  request: DescribeRequest,
  signal: AbortSignal,
): Promise<FirstToken> {
  let tokenMs = Number.NaN;
  const started = performance.now();
  try {
    const caption = await captioner.describe(
      [picture],
      { ...request, detail: 'full', maxNewTokens: 1 },
      {
        signal,
        onToken: () => undefined,
        onProgress: ({ phase }) => {
          if (phase === 'decode' && Number.isNaN(tokenMs)) tokenMs = performance.now() - started;
        },
      },
    );
    return {
      ms: tokenMs,
      imageMs: caption.timingsMs.image,
      promptTokens: caption.promptTokens,
      tiles: caption.tiles,
    };
  } catch (error) {
    // With random weights an answer may end at once; its first token has still arrived.
    if (!(error instanceof SmolvlmError) || error.code !== 'caption-empty') throw error;
    return { ms: tokenMs, imageMs: Number.POSITIVE_INFINITY, promptTokens: 0, tiles: 0 };
  }
}

/** Used by the memory measurement: one whole caption at full detail. */
export async function captionOnce(captioner: Captioner, signal: AbortSignal): Promise<number> {
  const picture = await readFile(benchmarkFrame);
  return meanMs(1, () => firstToken(captioner, picture, { id: 'once', prompt: 'What is there?' }, signal));
}
