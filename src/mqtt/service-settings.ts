import type { DescribeInput } from '../client/engine-api';
import { SmolvlmError } from '../errors';
import { parseHttpAddress } from '../system/http-address';
import { shownAddress } from '../system/shown-address';
import { checkCameraName, mostCameras } from './topic-names';
import type { Qos } from './transport/mqtt-transport';

/** A camera that the settings list. */
export interface CameraSettings {
  /** One level of the topics, e.g. `porch`. */
  readonly name: string;
  /** Shown to people; the name when absent. */
  readonly title?: string;
  /** http(s) address of its snapshot, fetched when a request brings no picture. */
  readonly snapshot?: URL;
}

export interface FrigateSettings {
  /** Frigate's `topic_prefix`. */
  readonly prefix: string;
  /** Its HTTP API, e.g. `http://frigate:5000`; tracked object updates need it. */
  readonly url?: URL;
  /** Objects whose snapshots are described; all when empty. */
  readonly labels: readonly string[];
}

export interface ServiceSettings {
  /** First levels of all topics, e.g. `smolvlm`. */
  readonly base: string;
  readonly qos: Qos;
  readonly cameras: readonly CameraSettings[];
  /** Used when the request has no prompt; a template for `fillPrompt` of the service. */
  readonly prompt: string;
  /** Defaults of every request. */
  readonly defaults: Partial<DescribeInput>;
  /** Home Assistant's discovery prefix; no camera is announced when absent. */
  readonly discoveryPrefix?: string;
  readonly frigate?: FrigateSettings;
  /** Whether requests may name addresses to fetch pictures from. */
  readonly allowAddresses: boolean;
  /** Whether the described picture is published again. */
  readonly publishPicture: boolean;
}

/** @throws SmolvlmError `mqtt-camera-name`, `mqtt-cameras` */
export function checkCameras(cameras: readonly CameraSettings[]): readonly CameraSettings[] {
  const names = cameras.map(({ name }) => checkCameraName(name));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new SmolvlmError('mqtt-cameras', `the camera "${twice}" is listed twice`, {
      hint: 'Give each camera its own name.',
    });
  }
  if (names.length > mostCameras) {
    throw new SmolvlmError(
      'mqtt-cameras',
      `expected at most ${mostCameras} cameras, received ${names.length}`,
    );
  }
  return cameras;
}

/** @throws SmolvlmError `mqtt-address` for anything but an http(s) address */
export function httpAddress(text: string, what: string): URL {
  const url = parseHttpAddress(text);
  if (url) return url;
  throw new SmolvlmError(
    'mqtt-address',
    `${what}: expected an http(s) address, received "${shownAddress(text).slice(0, 80)}"`,
    {
      hint: 'Write for example http://camera.local/snapshot.jpg.',
    },
  );
}
