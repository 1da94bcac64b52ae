import assert from 'node:assert/strict';
import { captionSettings } from '../../src/node-red/caption/caption-settings';
import { planConversion } from '../../src/node-red/convert/conversion-plan';
import { conversionModes, precisionChoices } from '../../src/node-red/convert/convert-fields';
import { engineSettings } from '../../src/node-red/engine/engine-settings';
import { frameSettings } from '../../src/node-red/frame/frame-dialog';
import { sourceSettings } from '../../src/node-red/frame/source-settings';
import { serviceSettings } from '../../src/node-red/mqtt/mqtt-dialog';
import { requestSettings } from '../../src/node-red/request-settings';
import { timelineSettings } from '../../src/node-red/timeline/timeline-settings';
import { bundleTargets, toolkitVersions } from '../../src/protocol/models/conversion-choices';

type Dialog = Readonly<Record<string, string>>;

/** What each node's runtime does with its dialog. */
const parsers: Readonly<Record<string, (dialog: Dialog) => unknown>> = {
  engine: (dialog) => engineSettings(dialog, undefined, '/'),
  caption: (dialog) => captionSettings(dialog),
  vision: (dialog) => requestSettings(dialog),
  frame: (dialog) => [
    frameSettings(dialog as never),
    sourceSettings({ url: 'http://camera/snapshot.jpg', ...dialog }),
  ],
  mqtt: (dialog) => serviceSettings(dialog, {}, {}),
  timeline: (dialog) => timelineSettings(dialog, '/'),
};

/** Values that no dialog accepts, by field. */
const refused: Readonly<Record<string, readonly Dialog[]>> = {
  engine: [
    { location: 'moon' },
    { queuePolicy: 'best' },
    { backend: 'gpu' },
    { decoder: 'gpu' },
    { precision: 'fp8' },
    { threads: '0' },
    { threads: '300' },
    { queueCapacity: '0' },
    { queueCapacity: '2000' },
    { maxAge: '-1' },
    { maxAge: '3601' },
    { idle: 'soon' },
    { recentFrames: '201' },
  ],
  caption: [
    { preset: 'guess' },
    { detail: 'high' },
    { queuePolicy: 'best' },
    { anchor: 'last' },
    { compare: 'all' },
    { maxTokens: '0' },
    { maxTokens: '10000' },
    { deadline: '3601' },
    { preset: 'yes-no', minConfidence: '1.5' },
    { preset: 'json', schema: '{"type":"integer"}', jsonBy: 'line' },
  ],
  vision: [{ detail: 'high' }, { queuePolicy: 'best' }, { deadline: '-1' }],
  frame: [
    { source: 'webcam' },
    { normalise: 'day' },
    { interval: '86401' },
    { source: 'snapshot', timeout: '3601' },
    { source: 'snapshot', retries: '11' },
    { maxSide: '15' },
    { quality: '101' },
    { unchangedBits: '513' },
    { burst: '0' },
    { staleRepeats: '1' },
    { cooldown: '-1' },
  ],
  timeline: [
    { keep: 'all' },
    { days: '0' },
    { megabytes: '9' },
    { digest: 'hourly' },
    { digestTime: '24:00' },
    { cameraLimits: 'street' },
  ],
  mqtt: [{ detail: 'high' }, { maxTokens: '0' }, { deadline: '3601' }, { qos: '3' }],
};

describe('the limits of a dialog, at run time', () => {
  for (const [node, dialogs] of Object.entries(refused)) {
    for (const dialog of dialogs) {
      it(`${node}: refuse ${JSON.stringify(dialog)}, naming the field`, () => {
        const field = Object.keys(dialog).at(-1);
        assert.throws(
          () => parsers[node]?.(dialog),
          (error: Error & { code?: string }) =>
            error.code === 'node-property' && error.message.startsWith(`${field}: expected `),
        );
      });
    }

    it(`${node}: accept blank fields, and those that do not exist yet`, () => {
      const fields = new Set(dialogs.flatMap(Object.keys));
      fields.delete('preset');
      const blank = Object.fromEntries([...fields].map((field) => [field, '']));
      assert.deepEqual(parsers[node]?.(blank), parsers[node]?.({}));
    });
  }
});

describe('the choices of the convert dialog, at run time', () => {
  const dialog = { mode: 'convert', model: 'demo', out: '/tmp/bundle' };

  it('offer only what a conversion accepts', () => {
    for (const target of bundleTargets) {
      for (const precision of precisionChoices[target])
        assert.ok(planConversion({ ...dialog, target, precision, toolkit: toolkitVersions[0] }, {}));
    }
    for (const mode of conversionModes)
      assert.equal(planConversion({ ...dialog, mode, source: 'a' }, {}).mode, mode);
  });

  for (const wrong of [
    { mode: 'guess' },
    { target: 'rk3566' },
    { toolkit: '1.0' },
    { precision: 'int8' },
    { target: 'cpu', precision: 'hybrid' },
    { precision: 'hybrid', int8Layers: '2;3' },
  ]) {
    it(`refuse ${JSON.stringify(wrong)}, naming the field`, () => {
      const field = Object.keys(wrong).at(-1);
      assert.throws(
        () => planConversion({ ...dialog, ...wrong }, {}),
        (error: Error & { code?: string }) =>
          error.code === 'convert-input' && error.message.startsWith(`${field}: expected `),
      );
    });
  }
});
