import type { NodeMessage } from 'node-red';
import type { CameraAnswer, CameraRequest } from '../../mqtt/camera-request';

/** How a request over MQTT ended, as messages for the node's outputs `caption` and `dropped`. */
export function mqttOutput(
  { camera, payload: { id } }: CameraRequest,
  answer: Exclude<CameraAnswer, { kind: 'error' }>,
): [NodeMessage | null, NodeMessage | null] {
  const about = { topic: camera, camera };
  if (answer.kind === 'caption') {
    const { attributes: caption, picture } = answer;
    const message = { ...about, payload: caption.text, caption, ...(picture && { picture }) };
    return [message as NodeMessage, null];
  }
  const { reason: dropped, message: reason } = answer;
  const caption = { text: null, dropped, reason, camera, ...(id !== undefined && { id }) };
  return [null, { ...about, caption } as NodeMessage];
}
