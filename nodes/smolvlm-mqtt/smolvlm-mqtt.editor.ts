import { among } from '../../src/editor/choice-limits';
import { isFromEnvironment, showChoices } from '../../src/editor/dialog-fields';
import { dialogTabs } from '../../src/editor/dialog-tabs';
import { showLimits, within } from '../../src/editor/number-limits';
import {
  cameraCredentials,
  freeLogin,
  passwordCredential,
  userCredential,
} from '../../src/node-red/mqtt/camera-logins';
import {
  camerasFault,
  isAddress,
  qosChoices,
  standardTopics,
  topicOf,
} from '../../src/node-red/mqtt/mqtt-fields';
import { requestFields } from '../../src/node-red/request-fields';
import { details } from '../../src/protocol/describe-request';

interface Camera {
  readonly name?: string;
  readonly title?: string;
  readonly snapshot?: string;
  /** Number of its credentials. */
  readonly login?: number;
}

interface MqttEditorNode extends EditorNode {
  readonly credentials?: Readonly<Record<string, unknown>>;
  readonly base?: string;
  readonly detail?: string;
  readonly qos?: string;
  cameras?: readonly Camera[];
}

type TopicField = 'base' | 'discoveryPrefix' | 'frigatePrefix';

/** Marks a topic that the runtime refuses. */
function topic(field: TopicField): NonNullable<EditorProperty['validate']> {
  return function (this: EditorNode, value = '', options) {
    try {
      if (!isFromEnvironment(value)) topicOf(field, value);
      return true;
    } catch {
      return options ? this._('smolvlm-mqtt.invalid.topic') : false;
    }
  };
}

/** What Node-RED's editor shows for a saved password, which it does not have. */
const savedPassword = '__PWRD__';

/** Inputs that Node-RED's editor saves as credentials. */
function addLogin(row: JQuery, node: MqttEditorNode, login: number): void {
  const { credentials = {} } = node;
  const [user, password] = [userCredential(login), passwordCredential(login)];
  const given = credentials[password] ?? (credentials[`has_${password}`] ? savedPassword : '');
  for (const [name, type, value, label] of [
    [user, 'text', credentials[user] ?? '', 'user'],
    [password, 'password', given, 'password'],
  ] as const) {
    $('<input/>', { type, id: `node-input-${name}`, placeholder: node._(`smolvlm-mqtt.label.${label}`) })
      .attr('autocomplete', 'new-password')
      .css({ width: '47%', 'margin-right': '1%', 'margin-top': '5px' })
      .val(String(value))
      .appendTo(row);
  }
}

/** Empty inputs in place of a removed camera's: its credentials are deleted when the dialog is saved. */
function forgetLogin(login: number): void {
  for (const name of [userCredential(login), passwordCredential(login)]) {
    $('<input/>', { type: 'hidden', id: `node-input-${name}` })
      .val('')
      .appendTo('#smolvlm-mqtt-tab-cameras');
  }
}

RED.nodes.registerType<MqttEditorNode>('smolvlm-mqtt', {
  category: 'SmolVLM',
  color: '#D8BFD8',
  defaults: {
    name: { value: '' },
    broker: { value: '', type: 'mqtt-broker', required: true },
    engine: { value: '', type: 'smolvlm-engine', required: true },
    base: { value: standardTopics.base, validate: topic('base') },
    cameras: {
      value: [],
      validate(this: MqttEditorNode, value, options) {
        const fault = camerasFault(
          (value as unknown as readonly Camera[] | undefined) ?? [],
          isFromEnvironment,
        );
        if (!fault) return true;
        return options ? this._(`smolvlm-mqtt.invalid.${fault.key}`, fault) : false;
      },
    },
    prompt: { value: '' },
    detail: { value: 'low', validate: among(details) },
    maxTokens: { value: '', validate: within(requestFields.maxTokens) },
    deadline: { value: '', validate: within(requestFields.deadline) },
    qos: { value: '1', validate: among(qosChoices) },
    publishPicture: { value: true },
    allowAddresses: { value: true },
    discovery: { value: true },
    discoveryPrefix: { value: standardTopics.discoveryPrefix, validate: topic('discoveryPrefix') },
    frigate: { value: false },
    frigatePrefix: { value: standardTopics.frigatePrefix, validate: topic('frigatePrefix') },
    frigateLabels: { value: '' },
    frigateUrl: {
      value: '',
      validate(this: MqttEditorNode, value, options) {
        if (isAddress(value, isFromEnvironment)) return true;
        return options ? this._('smolvlm-mqtt.invalid.address') : false;
      },
    },
  },
  credentials: {
    user: { type: 'text' },
    password: { type: 'password' },
    ...cameraCredentials,
  },
  inputs: 0,
  outputs: 2,
  icon: 'smolvlm-mqtt.svg',
  outputLabels(index) {
    return this._(index === 0 ? 'smolvlm-mqtt.port.caption' : 'smolvlm-mqtt.port.dropped');
  },
  paletteLabel() {
    return this._('smolvlm-mqtt.palette');
  },
  label() {
    return this.name || `${this.base || 'smolvlm'}/+/describe`;
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  oneditprepare() {
    dialogTabs({
      list: 'node-input-mqtt-tabs',
      content: '#node-input-mqtt-tabs-content',
      prefix: 'smolvlm-mqtt-tab-',
      names: ['cameras', 'answer', 'home'],
      label: (name) => this._(`smolvlm-mqtt.tab.${name}`),
    });
    showLimits('#node-input-', requestFields);
    showChoices($('#node-input-detail'), details, this.detail, (detail) =>
      this._(`smolvlm-mqtt.detail.${detail}`),
    );
    showChoices($('#node-input-qos'), qosChoices, String(this.qos ?? '1'), (qos) => qos);
    const logins = new Set((this.cameras ?? []).flatMap(({ login }) => login ?? []));
    const list = $('#node-input-cameras-list').css({ 'min-height': '110px', 'min-width': '400px' });
    list.editableList({
      addItem: (row, _index, camera: Camera) => {
        const login = camera.login ?? freeLogin(logins);
        row
          .siblings('.red-ui-editableList-item-remove')
          .attr({ role: 'button', 'aria-label': RED._('editor:common.label.delete') });
        const field = (name: keyof Camera, width: string): JQuery =>
          $('<input/>', {
            type: 'text',
            'data-camera': name,
            placeholder: this._(`smolvlm-mqtt.placeholder.${name}`),
          })
            .css({ width, 'margin-right': '1%' })
            .val(camera[name] ?? '')
            .appendTo(row);
        field('name', '20%');
        field('title', '25%');
        field('snapshot', '48%');
        if (login === undefined) return;
        logins.add(login);
        row.attr('data-login', login);
        addLogin(row, this, login);
      },
      removeItem: (camera: Camera) => {
        const { login } = camera;
        if (login !== undefined) forgetLogin(login);
      },
      removable: true,
      sortable: true,
    });
    for (const camera of this.cameras ?? []) list.editableList('addItem', camera);
  },
  oneditsave() {
    this.cameras = $('#node-input-cameras-list')
      .editableList('items')
      .toArray()
      .map((row) => {
        const field = (key: keyof Camera): string =>
          String($(row).find(`[data-camera=${key}]`).val() ?? '').trim();
        const login = Number($(row).attr('data-login')) || undefined;
        const camera = { name: field('name'), title: field('title'), snapshot: field('snapshot') };
        return login === undefined ? camera : { ...camera, login };
      })
      .filter(({ name, title, snapshot }) => name || title || snapshot);
  },
  oneditresize() {
    $('#node-input-cameras-list').editableList('height', 160);
  },
});
