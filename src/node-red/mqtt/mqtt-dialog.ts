import type { DescribeInput } from '../../client/engine-api';
import {
  type CameraSettings,
  checkCameras,
  type FrigateSettings,
  httpAddress,
  type ServiceSettings,
  topicPrefix,
} from '../../mqtt/service-settings';
import type { Qos } from '../../mqtt/transport/mqtt-transport';
import { defaultPrompt } from '../../protocol/default-prompt';
import { defined } from '../../system/defined';
import { fieldChoice } from '../choice-field';
import { requestSettings } from '../dialog-fields';
import { qosChoices } from './mqtt-fields';

/** The dialog of `smolvlm-mqtt`, as Node-RED hands it over. */
export interface MqttDialog {
  readonly base?: string;
  readonly qos?: string | number;
  readonly cameras?: readonly MqttDialogCamera[];
  readonly prompt?: string;
  readonly detail?: string;
  readonly maxTokens?: string | number;
  readonly deadline?: string | number;
  readonly discovery?: boolean;
  readonly discoveryPrefix?: string;
  readonly frigate?: boolean;
  readonly frigatePrefix?: string;
  readonly frigateUrl?: string;
  readonly frigateLabels?: string;
  readonly allowAddresses?: boolean;
  readonly publishPicture?: boolean;
}

export interface MqttDialogCamera {
  readonly name?: string;
  readonly title?: string;
  readonly snapshot?: string;
}

/** For snapshot addresses that hold no user themselves. */
export interface SnapshotCredentials {
  readonly user?: string;
  readonly password?: string;
}

/** @throws SmolvlmError `node-property`, `mqtt-topic`, `mqtt-camera-name`, `mqtt-cameras`, `mqtt-address` */
export function serviceSettings(
  dialog: MqttDialog,
  credentials: SnapshotCredentials,
  defaults: Partial<DescribeInput>,
): ServiceSettings {
  const { detail, maxNewTokens, deadlineMs } = requestSettings(dialog);
  const cameras = (dialog.cameras ?? []).map((camera) => cameraSettings(camera, credentials));
  return {
    base: topicPrefix(dialog.base?.trim() || 'smolvlm', 'base topic'),
    qos: Number(fieldChoice(String(dialog.qos ?? ''), 'qos', qosChoices, '1')) as Qos,
    cameras: checkCameras(cameras),
    prompt: dialog.prompt?.trim() || defaultPrompt,
    defaults: {
      ...defaults,
      detail,
      ...defined({ maxNewTokens, deadlineMs }),
    },
    ...(dialog.discovery !== false && {
      discoveryPrefix: topicPrefix(dialog.discoveryPrefix?.trim() || 'homeassistant', 'discovery prefix'),
    }),
    ...(dialog.frigate === true && { frigate: frigateSettings(dialog) }),
    allowAddresses: dialog.allowAddresses !== false,
    publishPicture: dialog.publishPicture !== false,
  };
}

function cameraSettings(camera: MqttDialogCamera, credentials: SnapshotCredentials): CameraSettings {
  const name = camera.name?.trim() ?? '';
  const title = camera.title?.trim() ?? '';
  const address = camera.snapshot?.trim() ?? '';
  const snapshot = address === '' ? undefined : httpAddress(address, `snapshot of camera "${name}"`);
  if (snapshot?.username === '') {
    snapshot.username = encodeURIComponent(credentials.user ?? '');
    snapshot.password = encodeURIComponent(credentials.password ?? '');
  }
  return { name, ...(title !== '' && { title }), ...(snapshot && { snapshot }) };
}

function frigateSettings(dialog: MqttDialog): FrigateSettings {
  const url = dialog.frigateUrl?.trim() ?? '';
  const labels = (dialog.frigateLabels ?? '').split(',').map((label) => label.trim());
  return {
    prefix: topicPrefix(dialog.frigatePrefix?.trim() || 'frigate', 'Frigate topic prefix'),
    labels: labels.filter((label) => label !== ''),
    ...(url !== '' && { url: httpAddress(url, 'Frigate') }),
  };
}
