import { SmolvlmError } from '../errors';
import { defined } from '../system/defined';
import type { DescribeTopics } from './describe-topics';
import type { AnswerAttributes, CameraAnswer, CameraRequest, ReplyAddress } from './requests/camera-request';
import { isPublishTopic } from './topic-names';
import type { OutgoingMessage, Qos } from './transport/mqtt-transport';

const contentType = 'application/json';

/** A camera's state, retained. The caption comes last, so that the attributes are there when an automation reads them. */
export function stateMessages(
  topics: DescribeTopics,
  qos: Qos,
  attributes: AnswerAttributes,
): readonly OutgoingMessage[] {
  const { camera, short } = attributes;
  return [
    attributesMessage(topics, qos, attributes),
    { topic: topics.caption(camera), payload: short, qos, retain: true, contentType: 'text/plain' },
  ];
}

export function attributesMessage(
  topics: DescribeTopics,
  qos: Qos,
  attributes: AnswerAttributes,
): OutgoingMessage {
  const payload = JSON.stringify(attributes);
  return { topic: topics.attributes(attributes.camera), payload, qos, retain: true, contentType };
}

/** An answer for the client that asked with a response topic, and for it only. */
export function replyMessage(
  { topic, correlationData }: ReplyAddress,
  qos: Qos,
  request: CameraRequest,
  answer: CameraAnswer,
): OutgoingMessage {
  const payload = JSON.stringify(answerDocument(request, answer));
  return { topic, payload, qos, retain: false, contentType, ...defined({ correlationData }) };
}

/** A request that was dropped or failed. */
export function failureMessage(
  topics: DescribeTopics,
  qos: Qos,
  request: CameraRequest,
  answer: Exclude<CameraAnswer, { kind: 'caption' }>,
): OutgoingMessage {
  const payload = JSON.stringify(answerDocument(request, answer));
  return { topic: topics[answer.kind](request.camera), payload, qos, retain: false, contentType };
}

function answerDocument({ camera, payload: { id } }: CameraRequest, answer: CameraAnswer): object {
  const about = { camera, ...defined({ id }) };
  switch (answer.kind) {
    case 'caption':
      return answer.attributes;
    case 'dropped':
      return { ...about, text: null, dropped: answer.reason, reason: answer.message };
    case 'error':
      return { ...about, text: null, error: answer.error };
  }
}

/** @throws SmolvlmError `mqtt-response-topic` for a topic that no answer can be published on */
export function checkResponseTopic(topics: DescribeTopics, topic: string): string {
  if (isPublishTopic(topic) && !topics.isDescribe(topic)) return topic;
  throw new SmolvlmError('mqtt-response-topic', `the answer cannot be published on "${topic.slice(0, 80)}"`, {
    hint: 'Name a response topic without wildcards that is not a describe topic.',
  });
}
