import assert from 'node:assert/strict';
import {
  isStreamable,
  type PresetName,
  standardQuestion,
} from '../../../src/node-red/caption/caption-fields';
import {
  askPreset,
  changePreset,
  choosePreset,
  countPreset,
  describePreset,
  jsonPreset,
  type Preset,
  yesNoPreset,
} from '../../../src/node-red/caption/presets';

/** What the runtime asks when the prompt is blank. */
const asked = {
  describe: describePreset('', '', 1),
  ask: askPreset('', '', undefined),
  'yes-no': yesNoPreset(''),
  choose: choosePreset('', ['day', 'night']),
  count: countPreset(''),
  json: jsonPreset('', '', { type: 'boolean' }),
} satisfies Partial<Record<PresetName, Preset>>;

describe('the caption dialog’s presets', () => {
  for (const [preset, { prompt, streamable }] of Object.entries(asked) as [PresetName, Preset][]) {
    it(`show for ${preset} the prompt of the runtime, and whether it can be streamed`, () => {
      const told = standardQuestion({ preset, compare: 'each' });
      assert.ok(prompt.includes(told), `${told}, but ${prompt} is asked`);
      assert.equal(isStreamable({ preset, compare: 'each', jsonBy: 'whole' }), streamable);
    });
  }

  it('show the prompts for two frames, one by one and together', () => {
    const changed = (compare: string): string => standardQuestion({ preset: 'changed', compare });
    assert.equal(changed('each'), describePreset('', '', 1).prompt);
    assert.equal(changed('together'), changePreset('', '').prompt);
  });
});
