import { shortened } from '../../protocol/caption-property';
import type { CaptionResult } from '../../protocol/events';
import { type CaptionPlan, type ParsedMessage, plannedRequest } from './caption-plan';
import type { JsonField } from './caption-settings';
import { fieldPreset } from './presets';

/** A plan that asks for the fields of an object one by one. */
export function jsonFieldsPlan(parsed: ParsedMessage, fields: readonly JsonField[]): CaptionPlan {
  const presets = fields.map((field) => fieldPreset(field, parsed.language));
  return {
    prompt: presets.map(({ prompt }) => prompt).join('\n'),
    requests: presets.map((preset) => ({ ...plannedRequest(parsed, preset), streamable: false })),
    parse: (results) => {
      const json: Record<string, unknown> = {};
      const confidences: Record<string, unknown> = {};
      for (const [index, preset] of presets.entries()) {
        const result = results[index] as CaptionResult;
        const { name } = fields[index] as JsonField;
        const answer = preset.parse(result);
        json[name] = answer.payload;
        confidences[name] = answer.caption?.confidence ?? result.confidence;
      }
      const text = JSON.stringify(json);
      return { payload: json, caption: { text, short: shortened(text), json, confidences } };
    },
  };
}
