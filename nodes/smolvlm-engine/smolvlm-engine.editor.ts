import { among } from '../../src/editor/choice-limits';
import { isFromEnvironment, showChoices, textOf } from '../../src/editor/dialog-fields';
import { dialogTabs } from '../../src/editor/dialog-tabs';
import { engineCheck } from '../../src/editor/engine/engine-check';
import { engineFinder } from '../../src/editor/engine/engine-finder';
import { engineModels } from '../../src/editor/engine/engine-models';
import type { DialogValues } from '../../src/editor/engine/engine-request';
import { engineTry } from '../../src/editor/engine/engine-try';
import { showLimits, within } from '../../src/editor/number-limits';
import {
  cpuPrecisionChoices,
  engineFields,
  isAddressOf,
  isStream,
  locationChoices,
} from '../../src/node-red/engine/engine-fields';
import { backendChoices, npuSharings, queuePolicies } from '../../src/protocol/describe-request';

interface EngineEditorNode extends EditorNode {
  readonly location?: string;
  readonly url?: string;
  readonly model?: string;
  readonly backend?: string;
  readonly decoder?: string;
  readonly npuSharing?: string;
  readonly precision?: string;
  readonly queuePolicy?: string;
  /** While the dialog is open: ends the request of the tab "Try it". */
  endTry?: () => void;
  /** While the dialog is open: pauses a download. */
  endFetch?: () => void;
}

function isElsewhere(location: string | undefined): boolean {
  return location === 'remote' || location === 'group';
}

/** Whether a text is a remote engine's address, or a variable with one. */
function isComplete(url: string): boolean {
  return isAddressOf('remote', url) || isFromEnvironment(url);
}

RED.nodes.registerType<EngineEditorNode>('smolvlm-engine', {
  category: 'config',
  defaults: {
    name: { value: '' },
    location: { value: 'local', validate: among(locationChoices) },
    url: {
      value: '',
      validate(this: EngineEditorNode, value, options) {
        if (isFromEnvironment(value) || isAddressOf(this.location, value)) return true;
        if (!options) return false;
        if (this.location === 'group') return this._('smolvlm-engine.invalid.natsUrl');
        return this._('smolvlm-engine.invalid.url');
      },
    },
    model: {
      value: 'demo',
      validate(this: EngineEditorNode, value, options) {
        if ((value && value.trim() !== '') || isElsewhere(this.location)) return true;
        return options ? this._('smolvlm-engine.invalid.model') : false;
      },
    },
    natsCreds: { value: '' },
    natsCa: { value: '' },
    natsStream: {
      value: '',
      validate(this: EngineEditorNode, value, options) {
        if (isFromEnvironment(value) || isStream(value)) return true;
        return options ? this._('smolvlm-engine.invalid.natsStream') : false;
      },
    },
    checkpoint: { value: '' },
    backend: { value: 'auto', validate: among(backendChoices) },
    decoder: { value: 'auto', validate: among(backendChoices) },
    npuSharing: { value: 'share', validate: among(npuSharings) },
    precision: { value: '', validate: among(cpuPrecisionChoices) },
    threads: { value: '', validate: within(engineFields.threads) },
    queuePolicy: { value: 'newest', validate: among(queuePolicies) },
    queueCapacity: { value: 1, validate: within(engineFields.queueCapacity) },
    maxAge: { value: '', validate: within(engineFields.maxAge) },
    idle: { value: engineFields.idle.standard, validate: within(engineFields.idle) },
    recentFrames: { value: engineFields.recentFrames.standard, validate: within(engineFields.recentFrames) },
  },
  credentials: {
    token: { type: 'password' },
  },
  label() {
    if (this.name) return this.name;
    return (isElsewhere(this.location) ? this.url : this.model) || 'smolvlm-engine';
  },
  oneditprepare() {
    const showTab = dialogTabs({
      list: 'smolvlm-engine-tabs',
      content: '#smolvlm-engine-tabs-content',
      prefix: 'smolvlm-engine-tab-',
      names: ['model', 'queue', 'runtime', 'check', 'try'],
      label: (name) => this._(`smolvlm-engine.tab.${name}`),
    });
    showLimits('#node-config-input-', engineFields);
    const field = (name: string): JQuery => $(`#node-config-input-${name}`);
    showChoices(field('location'), locationChoices, this.location, (location) =>
      this._(`smolvlm-engine.location.${location}`),
    );
    showChoices(field('queuePolicy'), queuePolicies, this.queuePolicy, (policy) =>
      this._(`smolvlm-engine.policy.${policy}`),
    );
    const backend = (name: string): string => this._(`smolvlm-engine.backend.${name}`);
    showChoices(field('backend'), backendChoices, this.backend, backend);
    showChoices(field('decoder'), backendChoices, this.decoder, backend);
    showChoices(field('npuSharing'), npuSharings, this.npuSharing, (sharing) =>
      this._(`smolvlm-engine.npuSharing.${sharing}`),
    );
    showChoices(field('precision'), cpuPrecisionChoices, this.precision, (precision) =>
      this._(`smolvlm-engine.precision.${precision || 'default'}`),
    );
    const values = (): DialogValues => ({
      id: this.id,
      token: textOf('#node-config-input-token'),
      ...Object.fromEntries(Object.keys(this._def.defaults).map((name) => [name, field(name).val()])),
    });
    const translate = (key: string, filled?: object): string => this._(`smolvlm-engine.${key}`, filled);
    engineCheck($('#smolvlm-engine-tab-check'), values, translate);
    this.endTry = engineTry($('#smolvlm-engine-tab-try'), values, translate);
    const modelList = $('#smolvlm-engine-model-list');
    const models = engineModels({
      ...{ place: modelList, model: field('model'), dialog: values, translate },
      onFetched: () => showTab('try'),
    });
    this.endFetch = models.close;
    const listModels = (): void => {
      const location = String(field('location').val());
      const hasEngine =
        location === 'local' || (location === 'remote' && isComplete(String(field('url').val())));
      modelList.toggle(hasEngine);
      if (hasEngine) models.reload();
    };
    const finder = $('#smolvlm-engine-finder');
    engineFinder(finder, values, translate, ({ url, model }) => {
      field('url').val(url).trigger('change');
      // Blank stands for the engine's own model; a model of this machine may not exist there.
      field('model')
        .val(model ?? '')
        .trigger('change');
      field('token').trigger('focus');
    });
    field('location')
      .on('change', () => {
        const location = String(field('location').val());
        $('.smolvlm-engine-remote').toggle(isElsewhere(location));
        $('.smolvlm-engine-group').toggle(location === 'group');
        const example = location === 'group' ? 'nats://nats.local:4222' : 'http://hub.local:8372';
        field('url').attr('placeholder', example);
        finder.toggle(location === 'remote');
        listModels();
      })
      .trigger('change');
    field('url').add(field('token')).on('change', listModels);
  },
  oneditsave() {
    this.endTry?.();
    this.endFetch?.();
  },
  oneditcancel() {
    this.endTry?.();
    this.endFetch?.();
  },
});
