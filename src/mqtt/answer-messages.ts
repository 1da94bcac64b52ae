import { SmolvlmError } from '../errors';
import type { CameraAnswer, CameraRequest } from './camera-request';
import { type DescribeTopics, isPublishTopic } from './describe-topics';
import type { OutgoingMessage, Qos } from './transport/mqtt-transport';

const json = 'application/json';

/**
 * What is published when a request ended. An asker who named a response topic is answered there and nowhere
 * else: the question was theirs, and the camera's state stays what it was. Otherwise the state comes last, so
 * that whoever acts upon it finds picture and attributes already there.
 */
export function answerMessages(
  topics: DescribeTopics,
  qos: Qos,
  request: CameraRequest,
  answer: CameraAnswer,
): readonly OutgoingMessage[] {
  const { camera, reply } = request;
  const document = answerDocument(request, answer);
  const said = { qos, retain: false, payload: JSON.stringify(document), contentType: json } as const;
  if (reply) {
    const { topic, correlationData } = reply;
    return [{ ...said, topic, ...(correlationData && { correlationData }) }];
  }
  if (answer.kind !== 'caption') return [{ ...said, topic: topics[answer.kind](camera) }];
  const { picture, attributes } = answer;
  const kept = { qos, retain: true } as const;
  return [
    ...(picture ? [{ ...kept, topic: topics.picture(camera), payload: picture }] : []),
    { ...kept, topic: topics.attributes(camera), payload: said.payload, contentType: json },
    { ...kept, topic: topics.caption(camera), payload: attributes.short, contentType: 'text/plain' },
  ];
}

function answerDocument({ camera, payload }: CameraRequest, answer: CameraAnswer): object {
  const about = { camera, ...(payload.id !== undefined && { id: payload.id }) };
  switch (answer.kind) {
    case 'caption':
      return answer.attributes;
    case 'dropped':
      return { ...about, text: null, dropped: answer.reason, reason: answer.message };
    case 'error':
      return { ...about, text: null, error: answer.error };
  }
}

/** @throws SmolvlmError `mqtt-response-topic` for a topic nobody could be answered on */
export function checkResponseTopic(topics: DescribeTopics, topic: string): string {
  if (isPublishTopic(topic) && topics.cameraOf(topic) === undefined) return topic;
  throw new SmolvlmError('mqtt-response-topic', `the answer cannot be published on "${topic.slice(0, 80)}"`, {
    hint: 'Name a response topic without wildcards that is no describe topic.',
  });
}
