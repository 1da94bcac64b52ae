import { parseAnswerSchema } from '../protocol/answer-schema';

/** What is wrong with a JSON schema as it is typed, in the words of the runtime's own check; undefined when nothing is. */
export function answerSchemaFault(text: string): string | undefined {
  try {
    parseAnswerSchema(JSON.parse(text), 'schema');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
