// What smolvlm-caption's dialog knows of its presets and fields; the runtime's side is src/node-red/preset-question.ts
// and caption-settings.ts.
window.smolvlm = window.smolvlm || {};

(() => {
  /** What the runtime asks where the prompt is blank; English, since that is what small models know best. */
  const standard = {
    describe: 'Describe this image in one sentence.',
    ask: 'Describe this image.',
    'yes-no': 'Is there a person?',
    choose: 'Which of these fits the picture?',
    count: 'people',
    changed: 'Describe this image in one sentence.',
    json: 'Describe this image.',
  };
  const bothFrames = 'The first picture is from before, the second is from now. What changed?';

  const isBlank = (value) =>
    value === undefined ||
    value === null ||
    String(value).trim() === '' ||
    // Told by the environment once it runs.
    /^\$\{.+\}$/.test(value);

  /** What is wrong with a field: a key below `invalid`; null where nothing is. Each is only looked at by its presets. */
  const faults = {
    choices(value) {
      const choices = (value || '')
        .split(',')
        .map((choice) => choice.trim())
        .filter(Boolean);
      const enough = choices.length === 0 || (choices.length > 1 && new Set(choices).size === choices.length);
      return enough ? null : 'choices';
    },
    minConfidence(value) {
      return isBlank(value) || (Number(value) >= 0 && Number(value) <= 1) ? null : 'minConfidence';
    },
  };

  window.smolvlm.captionPresets = {
    /** Flows from before there were presets have none: then it is the user's prompt, or the choices given. */
    of: ({ preset, choices }) => preset || (choices?.trim() ? 'choose' : 'ask'),

    /** @param {string} compare `together` or `each`, of the preset `changed` */
    blankQuestion: (preset, compare) =>
      preset === 'changed' && compare === 'together' ? bothFrames : standard[preset],

    /** A choice or a number is there all at once; so is an object whose fields are asked for one by one. */
    comesInWords: (preset, { compare, jsonBy }) =>
      ['describe', 'ask'].includes(preset) ||
      (preset === 'changed' && compare === 'together') ||
      (preset === 'json' && jsonBy === 'whole'),

    exampleSchema: JSON.stringify(
      {
        type: 'object',
        properties: {
          people: { type: 'integer', description: 'How many people are there?' },
          car: { type: 'boolean', description: 'Is there a car?' },
          light: { enum: ['day', 'night'], description: 'Is it day or night?' },
          scene: { type: 'string', description: 'What is happening here?' },
        },
      },
      null,
      2,
    ),

    faults,

    isPositive: (value) => isBlank(value) || Number(value) > 0,

    /** As many braces are closed as are opened. */
    isTemplate: (value) => (value || '').split('{{').length === (value || '').split('}}').length,
  };
})();
