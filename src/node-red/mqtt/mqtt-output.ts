import type { NodeMessage } from 'node-red';
import type { CameraAnswer, CameraRequest } from '../../mqtt/requests/camera-request';
import { defined } from '../../system/defined';

/** The messages for the outputs `caption` and `dropped` about a request that has ended. */
export function mqttOutput(
  { camera, payload: { id } }: CameraRequest,
  answer: Exclude<CameraAnswer, { kind: 'error' }>,
): [NodeMessage | null, NodeMessage | null] {
  const about = { topic: camera, camera };
  if (answer.kind === 'caption') {
    const { attributes: caption, picture } = answer;
    const message = { ...about, payload: caption.text, caption, ...defined({ picture }) };
    return [message as NodeMessage, null];
  }
  const { reason: dropped, message: reason } = answer;
  const caption = { text: null, dropped, reason, camera, ...defined({ id }) };
  return [null, { ...about, caption } as NodeMessage];
}
