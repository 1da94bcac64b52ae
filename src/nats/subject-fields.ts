import { SmolvlmError } from '../errors';
import type { DescribeRequest } from '../protocol/describe-request';
import { limits } from '../protocol/limits';

/**
 * Checks the fields that become parts of subjects: with a longer one the server closes the connection. Hubs check the whole
 * request.
 * @throws SmolvlmError `request-invalid`
 */
export function checkSubjectFields({ id, camera, model, queue }: DescribeRequest): void {
  if (id === '') throw invalid('id', 'at least one character', '""');
  const fields = { id, camera, model, 'queue.group': queue?.group };
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    if (value === undefined) continue;
    if (typeof value !== 'string') throw invalid(name, 'a string', typeof value);
    if (value.length > limits.keyCharacters) {
      throw invalid(name, `at most ${limits.keyCharacters} characters`, String(value.length));
    }
  }
}

function invalid(name: string, expected: string, received: string): SmolvlmError {
  return new SmolvlmError('request-invalid', `request.${name}: expected ${expected}, received ${received}`, {
    hint: 'The fields are described in docs/protocol.md.',
  });
}
