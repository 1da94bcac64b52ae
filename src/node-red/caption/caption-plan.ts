import type { DescribeInput } from '../../client/engine-api';
import type { CaptionResult } from '../../protocol/events';
import type { CaptionOverrides } from './caption-dialog';
import type { QuestionPictures } from './feature-handles';
import type { ParsedAnswer, Preset } from './presets';

/** A message, its pictures read, or seen before. */
export interface ParsedMessage<Pictures extends QuestionPictures = QuestionPictures> {
  readonly message: CaptionOverrides;
  /** At least one. */
  readonly pictures: Pictures;
  /** All of the request but what the preset says. */
  readonly request: DescribeInput;
  /** Blank: none. */
  readonly camera: string;
  /** Blank: the preset's own. */
  readonly question: string;
  /** Blank: as the prompt. */
  readonly language: string;
}

/** One request to the engine. */
export interface PlannedRequest {
  readonly request: DescribeInput;
  readonly pictures: QuestionPictures;
  /** Its words may be handed on as they come. */
  readonly inWords: boolean;
}

/** What a message asks: mostly one request, or several whose answers make one caption. */
export interface CaptionPlan {
  /** The prompt that the caption shows. */
  readonly prompt: string;
  /** Asked one after the other. */
  readonly asks: readonly PlannedRequest[];
  /** @param results of the asks, in order */
  read(results: readonly CaptionResult[]): ParsedAnswer;
}

/** A picture that is kept, not described. */
export interface HeldPicture {
  readonly held: 'anchor-set';
  readonly reason: string;
}

/** The request for a question. @param pictures where they are not the message's own */
export function plannedRequest(
  { request, pictures: given }: ParsedMessage,
  { prompt, choices, jsonSchema, maxNewTokens, inWords }: Preset,
  pictures = given,
): PlannedRequest {
  return {
    request: {
      ...(maxNewTokens !== undefined && { maxNewTokens }),
      ...request,
      prompt,
      ...(choices && { choices }),
      ...(jsonSchema && { jsonSchema }),
    },
    pictures,
    inWords,
  };
}

/** The message's question in one request. */
export function singleRequestPlan(asked: ParsedMessage, question: Preset): CaptionPlan {
  return {
    prompt: question.prompt,
    asks: [plannedRequest(asked, question)],
    read: ([result]) => question.read(result as CaptionResult),
  };
}

/** Several answers as one: the last one's words, and the time of all. */
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
    ...(vision && { vision }),
    ...(fallback && { fallback }),
  };
}
