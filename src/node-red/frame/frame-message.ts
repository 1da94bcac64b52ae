import type { NodeMessage } from 'node-red';
import type { Held } from '../../frame/frame-gate';
import type { ArrivedPicture } from '../../frame/frame-intake';
import type { PreparedFrame } from '../../picture/prepared-frame';
import { defined } from '../../system/defined';

/** `msg.frame` of a picture that was let through. */
export interface FrameProperty {
  readonly camera: string;
  readonly zone?: string;
  /** The file's, from a folder. */
  readonly name?: string;
  readonly width: number;
  readonly height: number;
  readonly brightness: number;
  /** 512 bits, 128 hex digits. */
  readonly differenceHash: string;
  /** ISO 8601. */
  readonly capturedAt: string;
}

/** `msg.frame` of a picture that was held back. */
export interface HeldProperty {
  readonly camera: string;
  readonly zone?: string;
  readonly held: Held['reason'];
  /** A sentence. */
  readonly reason: string;
  readonly capturedAt: string;
}

/** The message with the prepared picture in its payload; a picture that an earlier node described leaves it. */
export function frameMessage(
  message: NodeMessage & { picture?: unknown },
  { camera, capturedAt }: ArrivedPicture<unknown>,
  { jpeg, width, height, brightness, differenceHash }: PreparedFrame & { readonly jpeg: Uint8Array },
  { zone, name }: { readonly zone?: string | undefined; readonly name?: string | undefined },
): NodeMessage {
  const at = new Date(capturedAt ?? Date.now()).toISOString();
  const frame: FrameProperty = {
    camera,
    ...defined({ zone, name }),
    ...{ width, height, brightness, differenceHash, capturedAt: at },
  };
  const payload = Buffer.from(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  delete message.picture;
  return Object.assign(message, {
    payload,
    camera: zone === undefined ? camera : `${camera}/${zone}`,
    capturedAt: at,
    frame,
  });
}

/** The message with the reason; its payload stays what it was. */
export function heldMessage(
  message: NodeMessage,
  { camera, capturedAt }: ArrivedPicture<unknown>,
  { reason, message: sentence }: Held,
  zone?: string,
): NodeMessage {
  const frame: HeldProperty = {
    camera,
    ...defined({ zone }),
    held: reason,
    reason: sentence,
    capturedAt: new Date(capturedAt ?? Date.now()).toISOString(),
  };
  return Object.assign(message, { camera, frame });
}
