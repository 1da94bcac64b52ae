import type { Node, NodeAPI, NodeMessage } from 'node-red';
import { evaluate } from './typed-input';

/** Fields of a dialog that name a camera by a typed input. */
export interface CameraField {
  readonly camera?: string;
  readonly cameraType?: string;
}

/**
 * The camera of a message: the dialog's or, if that is blank, `msg.camera` or `msg.topic`.
 * @throws SmolvlmError `node-property` @returns blank if no camera is named
 */
export async function messageCamera(
  RED: NodeAPI,
  node: Node,
  { camera = '', cameraType = 'str' }: CameraField,
  message: NodeMessage & { readonly camera?: unknown; readonly topic?: unknown },
): Promise<string> {
  const named = await evaluate(RED, node, { value: camera, type: cameraType }, message, 'camera');
  return cameraName(named) || cameraName(message.camera) || cameraName(message.topic);
}

/** @returns blank for what cannot be a name: objects, null, false */
export function cameraName(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' || value === true
    ? String(value || '')
    : '';
}
