import { among } from '../../src/editor/choice-limits';
import { isFromEnvironment, showChoices, showOf, textOf } from '../../src/editor/dialog-fields';
import { dialogTabs } from '../../src/editor/dialog-tabs';
import { framePictureTab, type PictureTab } from '../../src/editor/frame/frame-picture-tab';
import { messageFields, showCameraTypes, typedField } from '../../src/editor/message-fields';
import { showLimits, within } from '../../src/editor/number-limits';
import {
  frameFields,
  intervalField,
  isFingerprint,
  normaliseChoices,
  protocolsOf,
  type SourceChoice,
  sourceChoices,
} from '../../src/node-red/frame/frame-fields';

interface FrameEditorNode extends EditorNode {
  readonly source?: SourceChoice;
  readonly normalise?: string;
  masks?: unknown;
  zones?: unknown;
  /** While the dialog is open. */
  picture?: PictureTab;
}

/** How an address of each kind of camera looks. */
const addressExamples: Partial<Record<string, string>> = {
  snapshot: 'http://camera/snapshot.jpg',
  mjpeg: 'http://camera/video.mjpg',
  rtsp: 'rtsp://camera/stream',
};

/** The source as chosen in the open dialog, else as saved. */
function sourceOf(node: FrameEditorNode): SourceChoice {
  return (textOf('#node-input-source') || node.source || 'message') as SourceChoice;
}

RED.nodes.registerType<FrameEditorNode>('smolvlm-frame', {
  category: 'SmolVLM',
  color: '#C0DEED',
  defaults: {
    name: { value: '' },
    source: { value: 'message', validate: among(sourceChoices) },
    image: { value: 'payload', validate: typedField('imageType') },
    imageType: { value: 'msg' },
    camera: { value: 'topic', validate: typedField('cameraType', { allowBlank: true }) },
    cameraType: { value: 'msg' },
    url: {
      value: '',
      validate(this: FrameEditorNode, value = '', options) {
        const protocols = protocolsOf(sourceOf(this));
        const isAddress = protocols?.some((each) => new RegExp(`^${each}//.`, 'i').test(value)) ?? true;
        if (isAddress || isFromEnvironment(value)) return true;
        return options ? this._('smolvlm-frame.invalid.url') : false;
      },
    },
    fingerprint: {
      value: '',
      validate(this: FrameEditorNode, value = '', options) {
        const isBlank = value.trim() === '' || isFromEnvironment(value);
        if (isBlank || isFingerprint(value)) return true;
        return options ? this._('smolvlm-frame.invalid.fingerprint') : false;
      },
    },
    anyCertificate: { value: false },
    folder: {
      value: '',
      validate(this: FrameEditorNode, value = '', options) {
        if (sourceOf(this) !== 'folder' || value.trim() !== '') return true;
        return options ? this._('smolvlm-frame.invalid.folder') : false;
      },
    },
    interval: { value: '', validate: within<FrameEditorNode>((node) => intervalField(sourceOf(node))) },
    timeout: { value: '', validate: within(frameFields.timeout) },
    retries: { value: '', validate: within(frameFields.retries) },
    masks: { value: [] },
    zones: { value: [] },
    normalise: { value: '', validate: among(normaliseChoices) },
    maxSide: { value: '1280', validate: within(frameFields.maxSide) },
    quality: { value: '', validate: within(frameFields.quality) },
    unchanged: { value: true },
    unchangedBits: { value: '', validate: within(frameFields.unchangedBits) },
    refresh: { value: '', validate: within(frameFields.refresh) },
    cooldown: { value: '', validate: within(frameFields.cooldown) },
    burst: { value: '', validate: within(frameFields.burst) },
    staleRepeats: { value: '', validate: within(frameFields.staleRepeats) },
    maxAge: { value: '', validate: within(frameFields.maxAge) },
  },
  credentials: {
    user: { type: 'text' },
    password: { type: 'password' },
  },
  inputs: 1,
  outputs: 2,
  icon: 'smolvlm-frame.svg',
  inputLabels() {
    return this._(this.source === 'message' ? 'smolvlm-frame.port.picture' : 'smolvlm-frame.port.now');
  },
  outputLabels(index) {
    return this._(index === 0 ? 'smolvlm-frame.port.frame' : 'smolvlm-frame.port.held');
  },
  paletteLabel() {
    return this._('smolvlm-frame.palette');
  },
  label() {
    return this.name || this._('smolvlm-frame.palette');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  oneditprepare() {
    dialogTabs({
      list: 'smolvlm-frame-tabs',
      content: '#smolvlm-frame-content',
      prefix: 'smolvlm-frame-tab-',
      names: ['source', 'picture', 'filters'],
      label: (name) => this._(`smolvlm-frame.tab.${name}`),
      onShow: () => this.picture?.draw(),
    });
    messageFields(this);
    showLimits('#node-input-', frameFields);
    showChoices($('#node-input-normalise'), normaliseChoices, this.normalise, (normalise) =>
      this._(`smolvlm-frame.normalise.${normalise || 'off'}`),
    );
    const source = $('#node-input-source');
    showChoices(source, sourceChoices, this.source, (choice) => this._(`smolvlm-frame.source.${choice}`));
    const dialog = $('#smolvlm-frame-content');
    const showSource = (): void => {
      const chosen = textOf('#node-input-source');
      showOf(dialog, chosen);
      showCameraTypes(chosen === 'message');
      $('#node-input-url').attr('placeholder', addressExamples[chosen] ?? '');
      showLimits('#node-input-', { interval: intervalField(sourceOf(this)) });
    };
    source.on('change', showSource);
    showSource();
    this.picture = framePictureTab(this, (key, values) => this._(`smolvlm-frame.draw.${key}`, values));
  },
  oneditsave() {
    if (!this.picture) return;
    // A mask that was drawn and left open counts.
    this.picture.finish();
    const { masks, zones } = this.picture.shapes;
    const changed = JSON.stringify([this.masks, this.zones]) !== JSON.stringify([masks, zones]);
    this.masks = masks;
    this.zones = zones;
    delete this.picture;
    return changed;
  },
  oneditcancel() {
    delete this.picture;
  },
});
