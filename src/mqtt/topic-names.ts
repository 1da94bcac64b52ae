import { SmolvlmError } from '../errors';

// Without Node.js's modules: the dialog of smolvlm-mqtt checks its fields with these, in the browser.

/** Most cameras that the service keeps state for: those of the settings, and those that requests name. */
export const mostCameras = 64;

/** Used where nothing is set. */
export const standardTopics = {
  base: 'smolvlm',
  discoveryPrefix: 'homeassistant',
  frigatePrefix: 'frigate',
} as const;

const longestName = 64;

/** Longest base or prefix, so that every topic below it stays within MQTT's 65,535 bytes. */
const longestBaseBytes = 1_024;

/** Whether a text can be one level of a topic that is published to, and is short enough to be a camera's name. */
export function isCameraName(name: string): boolean {
  return name !== '' && name.length <= longestName && !/[+#/$\p{Cc}\p{Cs}]/u.test(name);
}

/** @throws SmolvlmError `mqtt-camera-name` */
export function checkCameraName(name: string): string {
  if (isCameraName(name)) return name;
  throw new SmolvlmError(
    'mqtt-camera-name',
    `expected a camera's name of 1 to ${longestName} characters without + # / $, received "${name.slice(0, 80)}"`,
    { hint: 'Choose a name that can be one level of an MQTT topic, for example porch.' },
  );
}

/** Whether a topic may be published to: no wildcards, nothing reserved for the broker. */
export function isPublishTopic(topic: string): boolean {
  return (
    topic !== '' && byteLength(topic) <= 65_535 && !topic.startsWith('$') && !/[+#\p{Cc}\p{Cs}]/u.test(topic)
  );
}

/**
 * A prefix of topics, without the slashes at its end.
 * @param what the setting, for the error
 * @throws SmolvlmError `mqtt-topic`
 */
export function topicPrefix(text: string, what: string): string {
  const prefix = text.trim().replace(/\/+$/, '');
  if (isPublishTopic(prefix) && byteLength(prefix) <= longestBaseBytes) return prefix;
  throw new SmolvlmError(
    'mqtt-topic',
    `${what}: expected a topic of at most ${longestBaseBytes} bytes without wildcards, received "${prefix.slice(0, 80)}"`,
    { hint: 'Write for example smolvlm or home/cameras.' },
  );
}

/** The base of a service's topics. @throws SmolvlmError `mqtt-topic` */
export function checkBase(base: string): string {
  const prefix = topicPrefix(base, 'base topic');
  if (prefix === base && !/^\/|\/\//.test(base)) return base;
  throw new SmolvlmError(
    'mqtt-topic',
    `base topic: expected a topic without empty levels, received "${base}"`,
    { hint: 'Write for example smolvlm or home/cameras, with no slash at either end.' },
  );
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
