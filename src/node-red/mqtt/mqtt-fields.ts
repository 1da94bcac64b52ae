import { checkBase, isCameraName, mostCameras, standardTopics, topicPrefix } from '../../mqtt/topic-names';
import { parseHttpAddress } from '../../system/http-address';

export { standardTopics };

// The dialog of smolvlm-mqtt, in the form that dialog and runtime share.

/** Quality of service of what is published. */
export const qosChoices = ['0', '1', '2'] as const;

const topicNames = {
  base: 'base topic',
  discoveryPrefix: 'discovery prefix',
  frigatePrefix: 'Frigate topic prefix',
} as const satisfies Readonly<Record<keyof typeof standardTopics, string>>;

/** The topic that a field holds. @throws SmolvlmError `mqtt-topic` */
export function topicOf(field: keyof typeof standardTopics, text = ''): string {
  const topic = topicPrefix(text.trim() || standardTopics[field], topicNames[field]);
  return field === 'base' ? checkBase(topic) : topic;
}

/** A camera of the list. */
export interface ListedCamera {
  readonly name?: string;
  readonly snapshot?: string;
}

export interface CamerasFault {
  /** As the catalog calls it. */
  readonly key: 'camera' | 'twice' | 'many' | 'address';
  readonly name?: string;
  readonly most?: number;
}

/** @param isUnchecked whether a text stands for another one, which is not known here */
export function camerasFault(
  cameras: readonly ListedCamera[],
  isUnchecked: (text: string) => boolean,
): CamerasFault | undefined {
  const names = cameras.map(({ name }) => (name ?? '').trim());
  const wrong = names.find((name) => !isUnchecked(name) && !isCameraName(name));
  if (wrong !== undefined) return { key: 'camera', name: wrong };
  if (new Set(names).size < names.length) return { key: 'twice' };
  if (names.length > mostCameras) return { key: 'many', most: mostCameras };
  return cameras.every(({ snapshot }) => isAddress(snapshot, isUnchecked)) ? undefined : { key: 'address' };
}

/** Whether a field is blank or is an http(s) address. */
export function isAddress(text = '', isUnchecked: (text: string) => boolean): boolean {
  return text === '' || isUnchecked(text) || parseHttpAddress(text.trim()) !== undefined;
}
