import { captionProperty } from '../protocol/caption-property';
import type { DescribeFinal } from '../protocol/events';
import { defined } from '../system/defined';
import type { NatsLink } from './nats-connection';

/**
 * Publishes an answer for readers of the camera, who sent no request: `smolvlm.porch.attributes` and
 * `smolvlm.porch.caption`, `smolvlm.porch.error` or `smolvlm.porch.dropped`, as `smolvlm serve --mqtt` does.
 * @param id the sender's own, returned with the answer
 */
export function publishCameraAnswer(
  { connection, subjects }: NatsLink,
  camera: string,
  final: DescribeFinal,
  id?: string,
): void {
  const about = { camera, ...defined({ id }) };
  const publish = (leaf: string, payload: string): void => {
    if (!connection.isClosed()) connection.publish(subjects.ofCamera(camera, leaf), payload);
  };
  if (final.type === 'result') {
    const attributes = { ...captionProperty(final.result), ...about };
    // The caption comes last, so that the attributes are there when an automation reads them.
    publish('attributes', JSON.stringify(attributes));
    publish('caption', attributes.short);
  } else if (final.type === 'dropped') {
    publish(
      'dropped',
      JSON.stringify({ ...about, text: null, dropped: final.reason, reason: final.message }),
    );
  } else {
    publish('error', JSON.stringify({ ...about, text: null, error: final.error }));
  }
}
