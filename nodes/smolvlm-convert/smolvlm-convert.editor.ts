import { among } from '../../src/editor/choice-limits';
import { showChoices, textOf } from '../../src/editor/dialog-fields';
import { areLayers, conversionModes, precisionChoices } from '../../src/node-red/convert/convert-fields';
import {
  type BundleTarget,
  bundleTargets,
  defaultToolkit,
  toolkitVersions,
} from '../../src/protocol/models/conversion-choices';

interface ConvertEditorNode extends EditorNode {
  readonly mode?: string;
  readonly target?: string;
  readonly toolkit?: string;
  readonly precision?: string;
}

/** Of all targets. */
const everyPrecision: readonly string[] = Object.values(precisionChoices).flat();

RED.nodes.registerType<ConvertEditorNode>('smolvlm-convert', {
  category: 'SmolVLM',
  color: '#C0DEED',
  defaults: {
    name: { value: '' },
    mode: { value: 'convert', validate: among(conversionModes) },
    model: { value: '' },
    out: { value: '' },
    target: { value: 'rk3588', validate: among(bundleTargets) },
    toolkit: { value: defaultToolkit, validate: among(toolkitVersions) },
    precision: { value: 'fp16', validate: among(everyPrecision) },
    int8Layers: {
      value: '2,3,4',
      validate(this: ConvertEditorNode, value = '', options) {
        if (areLayers(value)) return true;
        return options ? this._('smolvlm-convert.invalid.int8Layers') : false;
      },
    },
    calibration: { value: '' },
    python: { value: '' },
    setup: { value: false },
    pack: { value: false },
    source: { value: '' },
  },
  inputs: 1,
  outputs: 2,
  icon: 'smolvlm-convert.svg',
  inputLabels() {
    return this._('smolvlm-convert.port.start');
  },
  outputLabels(index) {
    return this._(index === 0 ? 'smolvlm-convert.port.bundle' : 'smolvlm-convert.port.progress');
  },
  paletteLabel() {
    return this._('smolvlm-convert.palette');
  },
  label() {
    return this.name || this._(`smolvlm-convert.node.${this.mode || 'convert'}`);
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  oneditprepare() {
    const [mode, target, precision] = [
      $('#node-input-mode'),
      $('#node-input-target'),
      $('#node-input-precision'),
    ];
    showChoices(mode, conversionModes, this.mode, (each) => this._(`smolvlm-convert.mode.${each}`));
    showChoices(target, bundleTargets, this.target, (each) => each.toUpperCase());
    showChoices($('#node-input-toolkit'), toolkitVersions, this.toolkit, (each) => `rknn-toolkit2 ${each}`);

    const show = (): void => {
      $('.smolvlm-convert').toggle(mode.val() === 'convert');
      $('.smolvlm-model').toggle(mode.val() !== 'install');
      $('.smolvlm-source').toggle(mode.val() === 'install');
      $('.smolvlm-npu').toggle(target.val() !== 'cpu');
      $('.smolvlm-int8').toggle(precision.val() === 'hybrid');
    };
    /** Each target has its own precisions. */
    const showPrecisions = (): void => {
      const choices: readonly string[] = precisionChoices[textOf('#node-input-target') as BundleTarget];
      const chosen = textOf('#node-input-precision') || this.precision || '';
      const isOfAnother = everyPrecision.includes(chosen) && !choices.includes(chosen);
      showChoices(precision, choices, isOfAnother ? choices[0] : chosen || choices[0], (each) =>
        this._(`smolvlm-convert.precision.${each}`),
      );
      show();
    };
    mode.on('change', show);
    precision.on('change', show);
    target.on('change', showPrecisions);
    showPrecisions();
  },
});
