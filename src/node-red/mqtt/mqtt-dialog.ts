import type { DescribeInput } from '../../client/engine-api';
import { SmolvlmError } from '../../errors';
import {
  type CameraSettings,
  checkCameras,
  type FrigateSettings,
  httpAddress,
  type ServiceSettings,
} from '../../mqtt/service-settings';
import type { Qos } from '../../mqtt/transport/mqtt-transport';
import { fillLogin } from '../../picture/camera/address-login';
import { defaultPrompt } from '../../protocol/default-prompt';
import { defined } from '../../system/defined';
import { parseHttpAddress } from '../../system/http-address';
import { fieldChoice } from '../choice-field';
import { type RequestDialog, requestSettings } from '../request-settings';
import { type CameraLogin, passwordCredential, userCredential } from './camera-logins';
import { qosChoices, topicOf } from './mqtt-fields';

/** The dialog of `smolvlm-mqtt`, as Node-RED hands it over. */
export interface MqttDialog extends Omit<RequestDialog, 'queuePolicy'> {
  readonly base?: string;
  readonly qos?: string | number;
  readonly cameras?: readonly MqttDialogCamera[];
  readonly prompt?: string;
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
  /** May hold `{user}` and `{password}`. */
  readonly snapshot?: string;
  /** Number of the camera's own login among the credentials. */
  readonly login?: number;
}

/** `user` and `password` for cameras without their own login, and numbered ones for single cameras. */
export type SnapshotCredentials = Readonly<Record<string, string | undefined>>;

/** @throws SmolvlmError `node-property`, `mqtt-topic`, `mqtt-camera-name`, `mqtt-cameras`, `mqtt-address` */
export function serviceSettings(
  dialog: MqttDialog,
  credentials: SnapshotCredentials,
  defaults: Partial<DescribeInput>,
): ServiceSettings {
  const { detail, maxNewTokens, deadlineMs } = requestSettings(dialog);
  const cameras = (dialog.cameras ?? []).map((camera) => cameraSettings(camera, credentials));
  const discoveryPrefix =
    dialog.discovery === false ? undefined : topicOf('discoveryPrefix', dialog.discoveryPrefix);
  return {
    base: topicOf('base', dialog.base),
    qos: Number(fieldChoice(String(dialog.qos ?? ''), 'qos', qosChoices, '1')) as Qos,
    cameras: checkCameras(cameras),
    prompt: dialog.prompt?.trim() || defaultPrompt,
    defaults: {
      ...defaults,
      detail,
      ...defined({ maxNewTokens, deadlineMs }),
    },
    ...defined({ discoveryPrefix, frigate: dialog.frigate === true ? frigateSettings(dialog) : undefined }),
    allowAddresses: dialog.allowAddresses !== false,
    publishPicture: dialog.publishPicture !== false,
  };
}

function cameraSettings(camera: MqttDialogCamera, credentials: SnapshotCredentials): CameraSettings {
  const name = camera.name?.trim() ?? '';
  const title = camera.title?.trim() || undefined;
  const address = camera.snapshot?.trim() ?? '';
  const what = `snapshot of camera "${name}"`;
  const snapshot = address === '' ? undefined : snapshotAddress(address, what, loginOf(camera, credentials));
  return { name, ...defined({ title, snapshot }) };
}

function loginOf({ login }: MqttDialogCamera, credentials: SnapshotCredentials): CameraLogin {
  const own = login === undefined ? undefined : credentials[userCredential(login)];
  const ownPassword = login === undefined ? undefined : credentials[passwordCredential(login)];
  const isOwn = Boolean(own || ownPassword);
  const [user, password] = isOwn ? [own, ownPassword] : [credentials.user, credentials.password];
  return { user: user ?? '', password: password ?? '' };
}

/** The login goes into the placeholders of an address that has any, otherwise before its host. */
function snapshotAddress(text: string, what: string, login: CameraLogin): URL {
  const filled = fillLogin(text, (part) => {
    if (login[part] !== '') return login[part];
    throw new SmolvlmError('mqtt-address', `${what}: the address has {${part}}, but no ${part} is given`, {
      hint: 'Write user and password beside the address, or below the list for all cameras.',
    });
  });
  const hasPlaceholders = filled !== text;
  // Checked with its placeholders, so that an error does not show what replaces them.
  const url = (hasPlaceholders ? parseHttpAddress(filled) : undefined) ?? httpAddress(text, what);
  if (hasPlaceholders || url.username !== '') return url;
  url.username = encodeURIComponent(login.user);
  url.password = encodeURIComponent(login.password);
  return url;
}

function frigateSettings(dialog: MqttDialog): FrigateSettings {
  const url = dialog.frigateUrl?.trim() ?? '';
  const labels = (dialog.frigateLabels ?? '').split(',').map((label) => label.trim());
  return {
    prefix: topicOf('frigatePrefix', dialog.frigatePrefix),
    labels: labels.filter((label) => label !== ''),
    ...defined({ url: url === '' ? undefined : httpAddress(url, 'Frigate') }),
  };
}
