import { among } from '../../src/editor/choice-limits';
import { showChoices } from '../../src/editor/dialog-fields';
import { messageFields, typedField } from '../../src/editor/message-fields';
import { showLimits, within } from '../../src/editor/number-limits';
import { requestFields } from '../../src/node-red/request-fields';
import { details, queuePolicies } from '../../src/protocol/describe-request';

interface VisionEditorNode extends EditorNode {
  readonly detail?: string;
  readonly queuePolicy?: string;
}

RED.nodes.registerType<VisionEditorNode>('smolvlm-vision', {
  category: 'SmolVLM',
  color: '#C0DEED',
  defaults: {
    name: { value: '' },
    engine: { value: '', type: 'smolvlm-engine', required: true },
    image: { value: 'payload', validate: typedField('imageType') },
    imageType: { value: 'msg' },
    camera: { value: 'camera', validate: typedField('cameraType', { allowBlank: true }) },
    cameraType: { value: 'msg' },
    detail: { value: 'low', validate: among(details) },
    deadline: { value: '', validate: within(requestFields.deadline) },
    queuePolicy: { value: '', validate: among(queuePolicies) },
  },
  inputs: 1,
  outputs: 2,
  icon: 'smolvlm-vision.svg',
  inputLabels() {
    return this._('smolvlm-vision.port.picture');
  },
  outputLabels(index) {
    return this._(index === 0 ? 'smolvlm-vision.port.encoded' : 'smolvlm-vision.port.dropped');
  },
  paletteLabel() {
    return this._('smolvlm-vision.palette');
  },
  label() {
    return this.name || this._('smolvlm-vision.palette');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  oneditprepare() {
    messageFields(this);
    showLimits('#node-input-', requestFields);
    showChoices($('#node-input-detail'), details, this.detail, (detail) =>
      this._(`smolvlm-vision.detail.${detail}`),
    );
    showChoices($('#node-input-queuePolicy'), ['', ...queuePolicies], this.queuePolicy, (policy) =>
      this._(`smolvlm-vision.policy.${policy || 'engine'}`),
    );
  },
});
