import { SmolvlmError } from '../../errors';
import { describePayload } from '../../mqtt/requests/describe-payload';
import { readPicture } from '../../picture/picture-source';
import { defaultPrompt } from '../../protocol/default-prompt';
import { defined } from '../../system/defined';
import type { FrameMessage } from '../frame-message';

/** A message of the queue without smolvlm's layout, as cameras and automations publish by MQTT. */
export interface PlainMessage {
  readonly data: Uint8Array;
  readonly camera: string;
  /** Of its place in the stream: the same for each delivery. */
  readonly id: string;
  /** ISO 8601. */
  readonly publishedAt: string;
  /** Whether it was published where frames of a priority above 0 are. */
  readonly urgent: boolean;
}

/** @returns the request, and the sender's own id for it @throws SmolvlmError `mqtt-request`, `mqtt-no-picture`, `image-…` */
export async function plainFrame({
  data,
  camera,
  id,
  publishedAt,
  urgent,
}: PlainMessage): Promise<{ readonly frame: FrameMessage; readonly ownId?: string }> {
  const { picture, id: ownId, request } = describePayload(data);
  if (picture === undefined) {
    throw new SmolvlmError('mqtt-no-picture', 'a message in the queue must contain a picture', {
      hint: "Send the picture's bytes, or JSON with the picture as base64.",
    });
  }
  if (typeof picture === 'string' && !picture.startsWith('data:')) {
    throw new SmolvlmError('mqtt-address-refused', 'hubs fetch no pictures from addresses', {
      hint: 'Send the bytes, or have smolvlm watch fetch the pictures.',
    });
  }
  const bytes = await readPicture(picture);
  return {
    frame: {
      request: {
        capturedAt: publishedAt,
        prompt: defaultPrompt,
        detail: 'low',
        ...request,
        ...(urgent && { priority: Math.max(1, request.priority ?? 1) }),
        ...{ id, camera },
      },
      pictures: [bytes],
    },
    ...defined({ ownId }),
  };
}
