import type { DescribeTopics } from './describe-topics';
import { pressPayload } from './requests/describe-payload';
import type { CameraSettings } from './service-settings';

/** The software that announces the entities. */
export interface DiscoveryOrigin {
  /** This package's version. */
  readonly version: string;
}

const captionEvent = 'caption';

/** The attributes topic's JSON as an event with what an automation or the logbook shows. */
const eventTemplate = `{{ {'event_type': '${captionEvent}', 'text': value_json.text, 'prompt': value_json.prompt, 'confidence': value_json.confidence | default(none), 'captured_at': value_json.capturedAt | default(none), 'model': value_json.model} | to_json }}`;

/** Discovery topic of a camera's device. @param prefix `homeassistant` unless changed there */
export function discoveryTopic(prefix: string, topics: DescribeTopics, camera: string): string {
  return `${prefix}/device/${topics.id(camera)}/config`;
}

/**
 * A camera as a device of Home Assistant (2024.12 or newer), by MQTT device discovery: the caption with
 * everything else as attributes, the described picture, an event for each caption, and a button that requests a new caption.
 * https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
 */
export function discoveryPayload(
  topics: DescribeTopics,
  camera: CameraSettings,
  origin: DiscoveryOrigin,
): object {
  const id = topics.id(camera.name);
  return {
    device: {
      identifiers: [id],
      name: camera.title ?? camera.name,
      manufacturer: 'node-red-smolvlm',
      model: 'SmolVLM camera captions',
      sw_version: origin.version,
    },
    origin: {
      name: 'node-red-smolvlm',
      sw_version: origin.version,
      support_url: 'https://github.com/rk3588/node-red-smolvlm',
    },
    availability: [{ topic: topics.availability }],
    components: {
      caption: {
        platform: 'sensor',
        name: 'Caption',
        unique_id: `${id}_caption`,
        icon: 'mdi:image-text',
        state_topic: topics.caption(camera.name),
        json_attributes_topic: topics.attributes(camera.name),
      },
      picture: {
        platform: 'image',
        name: 'Picture',
        unique_id: `${id}_picture`,
        image_topic: topics.picture(camera.name),
        content_type: 'image/jpeg',
      },
      event: {
        platform: 'event',
        name: 'New caption',
        unique_id: `${id}_event`,
        icon: 'mdi:message-image-outline',
        event_types: [captionEvent],
        // Retained: Home Assistant makes no event of the message that it gets when it connects.
        state_topic: topics.attributes(camera.name),
        value_template: eventTemplate,
      },
      describe: {
        platform: 'button',
        name: 'Describe now',
        unique_id: `${id}_describe`,
        icon: 'mdi:text-recognition',
        command_topic: topics.describe(camera.name),
        payload_press: pressPayload,
      },
    },
  };
}
