import { writeFileSync } from 'node:fs';
import { openCaptioner } from '../inference/captioner';
import type { Captioner, InferenceHooks } from '../inference/inference';
import { readPicture } from '../picture/picture-source';
import { defaultPrompt } from '../protocol/default-prompt';
import type { DescribeRequest } from '../protocol/describe-request';
import { details } from '../protocol/describe-request';
import { limits } from '../protocol/limits';
import { cpuPrecisions } from '../protocol/models/conversion-choices';
import { defined } from '../system/defined';
import {
  type Command,
  type CommandIo,
  type OptionValues,
  optionalChoice,
  optionalInteger,
  optionalString,
  requiredString,
  UsageError,
} from './command/command';

/** `smolvlm caption`: one answer, computed in this process. */
export const command: Command = {
  takesArguments: true,
  summary: 'Answer a question about one or more pictures',
  usage:
    'caption --model M [--checkpoint M] --image F [--image G] [--prompt T] [--detail low|full] [--max-new-tokens N] [--choices a,b] [--stream] [--precision float32|int8|int4] [--threads N]',
  options: {
    model: { type: 'string' },
    checkpoint: { type: 'string' },
    image: { type: 'string', multiple: true },
    prompt: { type: 'string' },
    detail: { type: 'string' },
    'max-new-tokens': { type: 'string' },
    choices: { type: 'string' },
    stream: { type: 'boolean' },
    precision: { type: 'string' },
    threads: { type: 'string' },
  },
  async run(values, positionals, io, settings) {
    if (positionals.length > 0)
      throw new UsageError(`unexpected "${positionals[0]}"`, 'Pictures are given with --image.');
    const request = describeRequest(values);
    const model = requiredString(values, 'model');
    const pictures = await readPictures(values, io.signal);
    const precision = optionalChoice(values, 'precision', cpuPrecisions);
    const threads = optionalInteger(values, 'threads', 1, limits.threads);
    const checkpoint = optionalString(values, 'checkpoint');
    const captioner = await openCaptioner({
      model,
      settings,
      ...defined({ checkpoint, precision, threads }),
      signal: io.signal,
      onProgress: ({ stage, done, total }) => io.log(`preparing ${stage ?? ''} ${done}/${total}`),
    });
    try {
      await answer(captioner, pictures, request, io);
    } finally {
      await captioner.close();
    }
    return 0;
  },
};

async function answer(
  captioner: Captioner,
  pictures: readonly Uint8Array[],
  request: DescribeRequest,
  io: CommandIo,
): Promise<void> {
  const hooks: InferenceHooks = {
    signal: io.signal,
    onProgress: () => undefined,
    // Tokens as they arrive; with --json they go to stderr, separate from the document.
    onToken: (text) => {
      if (request.stream === true) writeFileSync(io.json ? 2 : 1, text);
    },
  };
  const caption = await captioner.describe(pictures, request, hooks);
  if (captioner.arithmetic) io.log(captioner.arithmetic.message);
  if (caption.fallback) io.log(`on the CPU instead of the NPU: ${caption.fallback.message}`);
  const { text, tokenIds, promptTokens, tiles, backend, choices, confidence, timingsMs, vision, fallback } =
    caption;
  io.result(
    {
      text,
      token_ids: tokenIds,
      prompt_tokens: promptTokens,
      tiles,
      backend,
      ...defined({ choices }),
      confidence,
      timings_ms: timingsMs,
      ...defined({
        vision: vision && { stages_ms: vision.stagesMs, core_busy: vision.coreBusy },
        fallback,
      }),
    },
    request.stream === true && !choices ? '' : text,
  );
}

function describeRequest(values: OptionValues): DescribeRequest {
  const detail = optionalChoice(values, 'detail', details);
  const maxNewTokens = optionalInteger(values, 'max-new-tokens', 1);
  const prompt = typeof values.prompt === 'string' ? values.prompt : defaultPrompt;
  const choices = typeof values.choices === 'string' ? values.choices.split(',') : undefined;
  return {
    id: 'caption',
    prompt,
    ...defined({ detail, maxNewTokens, choices: choices?.map((choice) => choice.trim()) }),
    stream: values.stream === true,
  };
}

async function readPictures(values: OptionValues, signal: AbortSignal): Promise<Uint8Array[]> {
  const images = Array.isArray(values.image) ? values.image.map(String) : [];
  if (images.length === 0)
    throw new UsageError('--image is missing', 'Give a path, an http(s) address or a data URI.');
  return Promise.all(images.map((image) => readPicture(image, undefined, signal)));
}
