import { among } from '../../src/editor/choice-limits';
import { isFromEnvironment, showChoices } from '../../src/editor/dialog-fields';
import { messageFields, typedField } from '../../src/editor/message-fields';
import { showLimits, within } from '../../src/editor/number-limits';
import {
  cameraLimits,
  digestChoices,
  keepChoices,
  minutesOfDay,
  standardDigestTime,
  timelineFields,
} from '../../src/node-red/timeline/timeline-fields';

interface TimelineEditorNode extends EditorNode {
  readonly keep?: string;
  readonly digest?: string;
}

RED.nodes.registerType<TimelineEditorNode>('smolvlm-timeline', {
  category: 'SmolVLM',
  color: '#C7E9C0',
  defaults: {
    name: { value: '' },
    folder: { value: '' },
    engine: { value: '', type: 'smolvlm-engine', required: false },
    keep: { value: 'thumbnail', validate: among(keepChoices) },
    image: { value: 'picture', validate: typedField('imageType') },
    imageType: { value: 'msg' },
    camera: { value: 'camera', validate: typedField('cameraType', { allowBlank: true }) },
    cameraType: { value: 'msg' },
    days: { value: '', validate: within(timelineFields.days) },
    megabytes: { value: '', validate: within(timelineFields.megabytes) },
    cameraLimits: {
      value: '',
      validate(this: TimelineEditorNode, value = '', options) {
        if (isFromEnvironment(value) || cameraLimits(value)) return true;
        return options ? this._('smolvlm-timeline.invalid.cameraLimits') : false;
      },
    },
    digest: { value: 'none', validate: among(digestChoices) },
    digestTime: {
      value: standardDigestTime,
      validate(this: TimelineEditorNode, value = '', options) {
        if (value === '' || isFromEnvironment(value) || minutesOfDay(value) !== undefined) return true;
        return options ? this._('smolvlm-timeline.invalid.digestTime') : false;
      },
    },
  },
  inputs: 1,
  outputs: 3,
  icon: 'smolvlm-timeline.svg',
  inputLabels() {
    return this._('smolvlm-timeline.port.input');
  },
  outputLabels(index) {
    return this._(`smolvlm-timeline.port.${['entry', 'rows', 'digest'][index]}`);
  },
  paletteLabel() {
    return this._('smolvlm-timeline.palette');
  },
  label() {
    return this.name || this._('smolvlm-timeline.palette');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  oneditprepare() {
    messageFields(this);
    showLimits('#node-input-', timelineFields);
    const digest = $('#node-input-digest');
    const keep = $('#node-input-keep');
    showChoices(keep, keepChoices, this.keep, (each) => this._(`smolvlm-timeline.keep.${each}`));
    showChoices(digest, digestChoices, this.digest, (each) =>
      this._(`smolvlm-timeline.digestChoice.${each}`),
    );
    const show = (): void => {
      $('.smolvlm-digest-time').toggle(digest.val() !== 'none');
      $('.smolvlm-kept-picture').toggle(keep.val() !== 'none');
    };
    digest.on('change', show);
    keep.on('change', show);
    show();
  },
});
