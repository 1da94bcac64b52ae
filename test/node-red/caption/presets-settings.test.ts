import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';
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
import { parseAnswerSchema } from '../../../src/protocol/answer-schema';
import { repositoryRoot } from '../../fixtures';

/** The dialog's side of the presets. */
interface CaptionPresets {
  blankQuestion(preset: string, compare: string): string;
  comesInWords(preset: string, fields: { compare: string; jsonBy: string }): boolean;
  readonly exampleSchema: string;
  isTemplate(text: string): boolean;
}

function dialogPresets(): CaptionPresets {
  const window: { smolvlm?: { captionPresets: CaptionPresets } } = {};
  vm.runInNewContext(readFileSync(join(repositoryRoot, 'resources', 'caption-presets.js'), 'utf8'), {
    window,
  });
  return window.smolvlm?.captionPresets ?? assert.fail();
}

/** What the runtime asks where the prompt is blank. */
const asked: Readonly<Record<string, Preset>> = {
  describe: describePreset('', '', 1),
  ask: askPreset('', '', undefined),
  'yes-no': yesNoPreset(''),
  choose: choosePreset('', ['day', 'night']),
  count: countPreset(''),
  json: jsonPreset('', '', { type: 'boolean' }),
};

describe('the caption dialog’s presets', () => {
  const presets = dialogPresets();

  for (const [preset, { prompt, streamable }] of Object.entries(asked)) {
    it(`show for ${preset} the prompt of the runtime, and whether it can be streamed`, () => {
      const told = presets.blankQuestion(preset, 'each');
      assert.ok(prompt.includes(told), `${told}, but ${prompt} is asked`);
      assert.equal(presets.comesInWords(preset, { compare: 'each', jsonBy: 'whole' }), streamable);
    });
  }

  it('show the prompts for two frames, one by one and together', () => {
    assert.equal(presets.blankQuestion('changed', 'each'), describePreset('', '', 1).prompt);
    assert.equal(presets.blankQuestion('changed', 'together'), changePreset('', '').prompt);
  });

  it('begin with a schema that the runtime accepts', () => {
    assert.ok(parseAnswerSchema(JSON.parse(presets.exampleSchema)));
  });

  it('detect a brace that is not closed', () => {
    assert.deepEqual(['', 'a {{b}} {{c}}', 'a {{b'].map(presets.isTemplate), [true, true, false]);
  });
});
