import { SmolvlmError } from '../../errors';
import type { DescribeRequest } from '../../protocol/describe-request';
import { isIsoTime } from '../../protocol/iso-time';
import { parseAnswerSchema } from '../../protocol/schema/answer-schema';
import { receivedValue } from './received-value';

/** Fields of a description: they say what the answer is to be. */
const answerFields = [
  'prompt',
  'messages',
  'features',
  'maxNewTokens',
  'temperature',
  'topP',
  'seed',
  'stop',
  'choices',
  'jsonSchema',
  'stream',
] as const;

/** Fields that say how to encode a picture. */
const visionFields = ['crop', 'masks', 'detail'] as const;

/**
 * Checks what the schema cannot express: fields that exclude each other, and the number of pictures.
 * @param pictures that came with the request
 * @returns the request with its JSON schema parsed
 * @throws SmolvlmError `request-invalid`, `request-task`, `request-features`, `request-no-picture`, `request-images`, `request-answer`,
 *   `request-json-schema`
 */
export function checkRequest(request: DescribeRequest, pictures: number): DescribeRequest {
  checkTime(request);
  checkTask(request);
  checkFeatures(request, pictures);
  checkImages(request, request.features?.length ?? pictures);
  return checkAnswer(withGroup(request));
}

/** @throws SmolvlmError `request-no-picture` */
export function checkSomePicture(pictures: number): void {
  if (pictures > 0) return;
  throw new SmolvlmError('request-no-picture', 'expected at least one picture, received none');
}

function checkTime({ capturedAt }: DescribeRequest): void {
  if (capturedAt === undefined || isIsoTime(capturedAt)) return;
  throw new SmolvlmError(
    'request-invalid',
    `request.capturedAt must be a time in ISO 8601, received ${receivedValue(undefined, capturedAt)}`,
    { hint: 'For example: 2026-01-02T03:04:05Z.' },
  );
}

function checkTask(request: DescribeRequest): void {
  if (request.task !== 'features') return;
  const unexpected = answerFields.find((field) => request[field] !== undefined);
  if (unexpected === undefined) return;
  throw new SmolvlmError('request-task', `expected no ${unexpected} with the task "features", received one`, {
    hint: 'Send the question in a separate request, with the handle that this one returns.',
  });
}

function checkFeatures(request: DescribeRequest, pictures: number): void {
  if (!request.features) return;
  const other = pictures > 0 ? 'pictures' : visionFields.find((field) => request[field] !== undefined);
  if (other === undefined) return;
  throw new SmolvlmError('request-features', `expected either features or ${other}, received both`, {
    hint: 'Crop, masks and detail were applied when the features were made.',
  });
}

function checkImages({ messages }: DescribeRequest, pictures: number): void {
  checkSomePicture(pictures);
  if (!messages) return;
  const parts = messages.flatMap(({ content }) => content.filter(({ type }) => type === 'image'));
  if (parts.length === pictures) return;
  throw new SmolvlmError(
    'request-images',
    `expected a picture for each of the ${parts.length} image parts of the messages, received ${pictures}`,
  );
}

function checkAnswer(request: DescribeRequest): DescribeRequest {
  if (request.jsonSchema === undefined) return request;
  const other = request.choices ? 'choices' : request.stop ? 'stop' : undefined;
  if (other !== undefined) {
    throw new SmolvlmError('request-answer', `expected either jsonSchema or ${other}, received both`, {
      hint: 'For one of several answers, give choices only, or a schema with an enum.',
    });
  }
  return { ...request, jsonSchema: parseAnswerSchema(request.jsonSchema) };
}

/** Older clients call `queue.group` `queue.lane`. */
function withGroup(request: DescribeRequest): DescribeRequest {
  const queue: (DescribeRequest['queue'] & { readonly lane?: string }) | undefined = request.queue;
  if (queue?.lane === undefined) return request;
  const { lane: group, ...rest } = queue;
  return { ...request, queue: { ...rest, group } };
}
