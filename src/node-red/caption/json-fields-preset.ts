import { shortened } from '../../protocol/caption-property';
import type { CaptionResult } from '../../protocol/events';
import { type CaptionPlan, type ParsedMessage, plannedRequest } from './caption-plan';
import type { JsonField } from './caption-settings';
import { fieldQuestion } from './presets';

/** An object whose fields are asked for one by one. */
export function jsonFieldsPlan(asked: ParsedMessage, fields: readonly JsonField[]): CaptionPlan {
  const questions = fields.map((field) => fieldQuestion(field, asked.language));
  return {
    prompt: questions.map(({ prompt }) => prompt).join('\n'),
    asks: questions.map((question) => ({ ...plannedRequest(asked, question), inWords: false })),
    read: (results) => {
      const json: Record<string, unknown> = {};
      const confidences: Record<string, unknown> = {};
      for (const [index, question] of questions.entries()) {
        const result = results[index] as CaptionResult;
        const { name } = fields[index] as JsonField;
        const meaning = question.read(result);
        json[name] = meaning.payload;
        confidences[name] = meaning.caption?.confidence ?? result.confidence;
      }
      const text = JSON.stringify(json);
      return { payload: json, caption: { text, short: shortened(text), json, confidences } };
    },
  };
}
