import { among } from '../../src/editor/choice-limits';
import { isFromEnvironment, showChoices, showOf, textOf } from '../../src/editor/dialog-fields';
import { dialogTabs } from '../../src/editor/dialog-tabs';
import { editorNumber } from '../../src/editor/editor-language';
import { messageFields, typedField } from '../../src/editor/message-fields';
import { showLimits, within } from '../../src/editor/number-limits';
import { nameTypedInput } from '../../src/editor/typed-input-name';
import {
  anchorChoices,
  areChoices,
  captionFields,
  choiceList,
  compareChoices,
  exampleSchema,
  isStreamable,
  jsonByChoices,
  type PresetName,
  presetOf,
  presets,
  standardQuestion,
} from '../../src/node-red/caption/caption-fields';
import { parseSchemaField } from '../../src/node-red/caption/schema-field';
import type { ListedEngine } from '../../src/node-red/engine/engine-overview';
import { requestFields } from '../../src/node-red/request-fields';
import { details, queuePolicies } from '../../src/protocol/describe-request';

interface CaptionEditorNode extends EditorNode {
  readonly preset?: string;
  readonly choices?: string;
  readonly promptType?: string;
  readonly schema?: string;
  readonly jsonBy?: string;
  readonly anchor?: string;
  readonly compare?: string;
  readonly detail?: string;
  readonly queuePolicy?: string;
  /** While the dialog is open. */
  schemaEditor?: TextEditor;
}

type Validator = (this: CaptionEditorNode, value: string, options?: object) => boolean | string;

/** The preset of the open dialog, else of the node. */
function currentPreset(node: CaptionEditorNode): string {
  const select = $('#node-input-preset');
  const isOpen = select.closest('.red-ui-tray').length > 0;
  return (isOpen && String(select.val() ?? '')) || presetOf(node);
}

/** A field of another preset is hidden, and cannot be wrong. */
function onlyFor(those: readonly PresetName[], validate: Validator): Validator {
  return function (value, options) {
    return those.some((each) => each === currentPreset(this)) ? validate.call(this, value, options) : true;
  };
}

/** As many braces are closed as are opened. */
function isTemplate(text = ''): boolean {
  return text.split('{{').length === text.split('}}').length;
}

const template: Validator = function (value, options) {
  if (isTemplate(value)) return true;
  return options ? this._('smolvlm-caption.invalid.template') : false;
};

const prompt: Validator = function (value, options) {
  const type = textOf('#node-input-promptType') || this.promptType || 'template';
  return type === 'template' ? template.call(this, value, options) : true;
};

const choices: Validator = function (value = '', options) {
  const given = choiceList(value);
  if (!given || areChoices(given) || isFromEnvironment(value)) return true;
  return options ? this._('smolvlm-caption.invalid.choices') : false;
};

/** What is wrong with a schema, in the words of the runtime's error; undefined if nothing is. */
function schemaFault(text: string): string | undefined {
  try {
    parseSchemaField(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const schema: Validator = function (value, options) {
  const fault = schemaFault(value);
  if (fault === undefined) return true;
  return options ? this._('smolvlm-caption.invalid.schema', { fault }) : false;
};

/** The preset's fields as they are in the dialog. */
function presetFields(): { preset: PresetName; compare: string; jsonBy: string } {
  return {
    preset: textOf('#node-input-preset') as PresetName,
    compare: textOf('#node-input-compare'),
    jsonBy: textOf('#node-input-jsonBy'),
  };
}

/** Shows the fields that belong to the preset. */
function showPreset(node: CaptionEditorNode): void {
  const fields = presetFields();
  const { preset } = fields;
  showOf($('#smolvlm-caption-content'), preset);
  $('#smolvlm-caption-prompt').toggle(preset !== 'json' || fields.jsonBy === 'whole');
  $('#smolvlm-caption-stream').toggle(isStreamable(fields));
  const label =
    preset === 'count' ? 'what' : preset === 'yes-no' || preset === 'choose' ? 'question' : 'prompt';
  $('#smolvlm-caption-prompt-label').text(node._(`smolvlm-caption.label.${label}`));
  $('#smolvlm-caption-blank').text(
    preset === 'ask'
      ? node._('smolvlm-caption.tip.blankAsk')
      : node._('smolvlm-caption.tip.blank', { prompt: standardQuestion(fields) }),
  );
  if (preset === 'json') node.schemaEditor?.resize();
}

function showSchemaFault(node: CaptionEditorNode): void {
  const fault = schemaFault(node.schemaEditor?.getValue() ?? '');
  $('#smolvlm-caption-schema-fault').text(fault ? node._('smolvlm-caption.invalid.schema', { fault }) : '');
}

/** Shows how long the chosen engine took for its last picture. */
function showPace(node: CaptionEditorNode): void {
  const id = textOf('#node-input-engine');
  const pace = $('#smolvlm-caption-pace').text('');
  $.getJSON('smolvlm-sidebar/engines').done(({ engines }: { readonly engines: readonly ListedEngine[] }) => {
    const frames = engines.find((engine) => engine.id === id)?.frames ?? [];
    const last = frames.filter(({ tiles, totalMs }) => tiles && totalMs).pop();
    if (!last?.totalMs) return;
    const seconds = editorNumber(last.totalMs / 1000, 1);
    pace.text(node._('smolvlm-caption.tip.pace', { count: last.tiles, seconds }));
  });
}

function closeSchemaEditor(node: CaptionEditorNode): void {
  node.schemaEditor?.destroy();
  delete node.schemaEditor;
}

RED.nodes.registerType<CaptionEditorNode>('smolvlm-caption', {
  category: 'SmolVLM',
  color: '#C0DEED',
  defaults: {
    name: { value: '' },
    engine: { value: '', type: 'smolvlm-engine', required: true },
    preset: { value: 'describe', validate: among(presets) },
    image: { value: 'payload', validate: typedField('imageType') },
    imageType: { value: 'msg' },
    prompt: { value: '', validate: prompt },
    promptType: { value: 'template' },
    camera: { value: 'camera', validate: typedField('cameraType', { allowBlank: true }) },
    cameraType: { value: 'msg' },
    language: { value: '' },
    choices: { value: '', validate: onlyFor(['choose'], choices) },
    minConfidence: {
      value: '',
      validate: onlyFor(['yes-no', 'choose'], within(captionFields.minConfidence)),
    },
    schema: { value: '', validate: onlyFor(['json'], schema) },
    jsonBy: { value: 'fields', validate: among(jsonByChoices) },
    anchor: { value: 'first', validate: among(anchorChoices) },
    compare: { value: 'each', validate: among(compareChoices) },
    detail: { value: 'low', validate: among(details) },
    maxTokens: { value: '', validate: within(requestFields.maxTokens) },
    deadline: { value: '', validate: within(requestFields.deadline) },
    fallback: { value: '', validate: template },
    fallbackAlways: { value: false },
    late: { value: false },
    stream: { value: false },
    queuePolicy: { value: '', validate: among(queuePolicies) },
    outputs: { value: 2 },
  },
  inputs: 1,
  outputs: 2,
  icon: 'smolvlm-caption.svg',
  inputLabels() {
    return this._('smolvlm-caption.port.picture');
  },
  outputLabels(index) {
    return this._(`smolvlm-caption.port.${['caption', 'dropped', 'words'][index]}`);
  },
  paletteLabel() {
    return this._('smolvlm-caption.palette');
  },
  label() {
    return this.name || this._('smolvlm-caption.palette');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  oneditprepare() {
    dialogTabs({
      list: 'smolvlm-caption-tabs',
      content: '#smolvlm-caption-content',
      prefix: 'smolvlm-caption-tab-',
      names: ['question', 'picture', 'answer'],
      label: (name) => this._(`smolvlm-caption.tab.${name}`),
      onShow: () => this.schemaEditor?.resize(),
    });
    messageFields(this);
    $('#node-input-prompt').typedInput({
      default: 'template',
      typeField: $('#node-input-promptType'),
      types: [
        {
          value: 'template',
          label: this._('smolvlm-caption.type.template'),
          icon: 'fa fa-commenting-o',
          expand() {
            RED.editor.editText({
              mode: 'ace/mode/handlebars',
              value: this.value(),
              complete: (text) => this.value(text),
            });
          },
        },
        ...['msg', 'flow', 'global', 'jsonata', 'env'],
      ],
    });
    nameTypedInput($('#node-input-prompt'));
    this.schemaEditor = RED.editor.createEditor({
      id: 'smolvlm-caption-schema',
      mode: 'ace/mode/json',
      value: this.schema || exampleSchema,
    });
    this.schemaEditor.getSession().on('change', () => showSchemaFault(this));
    showSchemaFault(this);
    showLimits('#node-input-', { ...requestFields, ...captionFields });
    showChoices($('#node-input-preset'), presets, presetOf(this), (preset) =>
      this._(`smolvlm-caption.preset.${preset}`),
    );
    showChoices($('#node-input-jsonBy'), jsonByChoices, this.jsonBy, (by) =>
      this._(`smolvlm-caption.jsonBy.${by}`),
    );
    showChoices($('#node-input-anchor'), anchorChoices, this.anchor, (anchor) =>
      this._(`smolvlm-caption.anchor.${anchor}`),
    );
    showChoices($('#node-input-compare'), compareChoices, this.compare, (compare) =>
      this._(`smolvlm-caption.compare.${compare}`),
    );
    showChoices($('#node-input-detail'), details, this.detail, (detail) =>
      this._(`smolvlm-caption.detail.${detail}`),
    );
    showChoices($('#node-input-queuePolicy'), ['', ...queuePolicies], this.queuePolicy, (policy) =>
      this._(`smolvlm-caption.policy.${policy || 'engine'}`),
    );
    $('#node-input-preset, #node-input-jsonBy, #node-input-compare').on('change', () => showPreset(this));
    $('#node-input-engine').on('change', () => showPace(this));
    showPreset(this);
    showPace(this);
  },
  oneditsave() {
    const fields = presetFields();
    if (fields.preset === 'json') $('#node-input-schema').val(this.schemaEditor?.getValue() ?? '');
    const streams = $('#node-input-stream').prop('checked') && isStreamable(fields);
    $('#node-input-stream').prop('checked', streams);
    $('#node-input-outputs').val(streams ? 3 : 2);
    closeSchemaEditor(this);
  },
  oneditcancel() {
    closeSchemaEditor(this);
  },
});
