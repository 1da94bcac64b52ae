import { SmolvlmError } from '../../errors';
import { type AnswerSchema, parseAnswerSchema } from '../../protocol/schema/answer-schema';

/** The schema of a JSON answer as the dialog holds it: text. */
export interface SchemaField {
  readonly schema: AnswerSchema;
  /** The parsed text, with the descriptions that the schema leaves out. */
  readonly document: unknown;
}

/** @throws SmolvlmError `node-property` if the text is not JSON; `request-json-schema` naming the place that is wrong */
export function parseSchemaField(text: string): SchemaField {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new SmolvlmError(
      'node-property',
      `schema: expected a JSON schema, e.g. {"type": "object", "properties": {…}}, received ${text.slice(0, 100) || 'nothing'}`,
      { hint: 'Open the node and correct the field.', cause },
    );
  }
  return { schema: parseAnswerSchema(document, 'schema'), document };
}
