import { readFileSync } from 'node:fs';
import { SmolvlmError } from '../../errors';
import {
  type CameraSettings,
  checkCameras,
  type FrigateSettings,
  httpAddress,
  type ServiceSettings,
} from '../../mqtt/service-settings';
import { standardTopics, topicPrefix } from '../../mqtt/topic-names';
import { defaultPrompt } from '../../protocol/default-prompt';
import { details } from '../../protocol/describe-request';
import { defined } from '../../system/defined';
import { JsonFields, parseJsonObject } from '../../system/json/json-fields';

const known = [
  'base',
  'qos',
  'cameras',
  'prompt',
  'detail',
  'maxTokens',
  'deadline',
  'discovery',
  'frigate',
  'publishPicture',
] as const;

/**
 * The MQTT service's settings from a JSON file; every field may be absent.
 * @param path only defaults when absent
 * @throws SmolvlmError `mqtt-config` naming the field, `mqtt-topic`, `mqtt-camera-name`, `mqtt-cameras`, `mqtt-address`
 */
export function mqttConfig(path: string | undefined, allowAddresses: boolean): ServiceSettings {
  const fault = (message: string): SmolvlmError =>
    new SmolvlmError('mqtt-config', `${path}: ${message}`, { hint: `Fields: ${known.join(', ')}.` });
  const object = path === undefined ? {} : parseJsonObject(readConfig(path), fault);
  const unknown = Object.keys(object).find((key) => !(known as readonly string[]).includes(key));
  if (unknown !== undefined) throw fault(`the field "${unknown}" is unknown`);
  const fields = new JsonFields(object, fault);
  const qos = ([0, 1, 2] as const).find((level) => level === fields.index('qos', 1));
  if (qos === undefined) throw fields.wrong('qos', '0, 1 or 2');
  const discovery =
    fields.raw('discovery') === false
      ? undefined
      : fields.string('discovery', standardTopics.discoveryPrefix);
  return {
    base: topicPrefix(fields.string('base', standardTopics.base), 'base'),
    qos,
    cameras: fields.has('cameras') ? checkCameras(fields.objects('cameras').map(camera)) : [],
    prompt: fields.string('prompt', defaultPrompt),
    defaults: {
      detail: fields.has('detail') ? fields.oneOf('detail', details) : 'low',
      ...defined({
        maxNewTokens: fields.has('maxTokens') ? fields.count('maxTokens') : undefined,
        deadlineMs: fields.has('deadline') ? Math.round(fields.positive('deadline') * 1000) : undefined,
      }),
    },
    ...defined({
      discoveryPrefix: discovery === undefined ? undefined : topicPrefix(discovery, 'discovery'),
      frigate: fields.has('frigate') ? frigate(fields.child('frigate')) : undefined,
    }),
    allowAddresses,
    publishPicture: fields.boolean('publishPicture', true),
  };
}

function camera(fields: JsonFields): CameraSettings {
  const name = fields.string('name');
  return {
    name,
    ...defined({
      title: fields.has('title') ? fields.string('title') : undefined,
      snapshot: fields.has('snapshot')
        ? httpAddress(fields.string('snapshot'), `snapshot of camera "${name}"`)
        : undefined,
    }),
  };
}

function frigate(fields: JsonFields): FrigateSettings {
  const labels = fields.raw('labels') ?? [];
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string')) {
    throw fields.wrong('labels', 'a list of strings');
  }
  return {
    prefix: topicPrefix(fields.string('prefix', standardTopics.frigatePrefix), 'frigate.prefix'),
    labels,
    ...defined({ url: fields.has('url') ? httpAddress(fields.string('url'), 'frigate.url') : undefined }),
  };
}

function readConfig(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SmolvlmError('mqtt-config', `the file ${path} cannot be read: ${String(cause)}`, { cause });
  }
}
