import type { DescribeInput } from '../../client/engine-api';
import type { CaptionResult } from '../../protocol/events';
import { defined } from '../../system/defined';
import type { CaptionOverrides } from './caption-dialog';
import type { MessagePictures } from './feature-handles';
import type { ParsedAnswer, Preset } from './presets';

/** A message with its pictures: their bytes, or handles of encoded ones. */
export interface ParsedMessage<Pictures extends MessagePictures = MessagePictures> {
  readonly message: CaptionOverrides;
  /** At least one. */
  readonly pictures: Pictures;
  /** The request without the fields that the preset sets. */
  readonly request: DescribeInput;
  /** Blank if the message names no camera. */
  readonly camera: string;
  /** Blank for the preset's own question. */
  readonly question: string;
  /** Blank for the language of the prompt. */
  readonly language: string;
}

/** One request to the engine. */
export interface PlannedRequest {
  readonly request: DescribeInput;
  readonly pictures: MessagePictures;
  /** Whether its tokens may be sent on as they are generated. */
  readonly streamable: boolean;
}

/** The requests of one message, usually a single one, and how their answers become one caption. */
export interface CaptionPlan {
  /** The prompt shown in `msg.caption`. */
  readonly prompt: string;
  /** Sent one after the other. */
  readonly requests: readonly PlannedRequest[];
  /** @param results one per request, in order */
  parse(results: readonly CaptionResult[]): ParsedAnswer;
}

/** A picture that was kept for comparison instead of described. */
export interface HeldPicture {
  readonly held: 'anchor-set';
  readonly reason: string;
}

/** The request that asks a preset's question. @param pictures default: the message's own */
export function plannedRequest(
  { request, pictures: given }: ParsedMessage,
  { prompt, choices, jsonSchema, maxNewTokens, streamable }: Preset,
  pictures = given,
): PlannedRequest {
  return {
    request: { ...defined({ maxNewTokens }), ...request, prompt, ...defined({ choices, jsonSchema }) },
    pictures,
    streamable,
  };
}

/** A plan with one request. */
export function singleRequestPlan(parsed: ParsedMessage, preset: Preset): CaptionPlan {
  return {
    prompt: preset.prompt,
    requests: [plannedRequest(parsed, preset)],
    parse: ([result]) => preset.parse(result as CaptionResult),
  };
}

/** Several answers as one: the text of the last, and the time of all. */
export function joinedResult(results: readonly CaptionResult[]): CaptionResult {
  const last = results.at(-1) as CaptionResult;
  const sum = (of: (result: CaptionResult) => number): number =>
    results.reduce((all, result) => all + of(result), 0);
  const vision = results.find((result) => result.vision)?.vision;
  const fallback = results.find((result) => result.fallback)?.fallback;
  return {
    ...last,
    timingsMs: {
      image: sum(({ timingsMs }) => timingsMs.image),
      vision: sum(({ timingsMs }) => timingsMs.vision),
      prefill: sum(({ timingsMs }) => timingsMs.prefill),
      decode: sum(({ timingsMs }) => timingsMs.decode),
      total: sum(({ timingsMs }) => timingsMs.total),
    },
    queuedMs: sum(({ queuedMs }) => queuedMs),
    cached: results.every(({ cached }) => cached),
    ...defined({ vision, fallback }),
  };
}
