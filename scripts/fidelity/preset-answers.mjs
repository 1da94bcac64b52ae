// The answers of a model to every preset's question about every shipped frame.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const schema = {
  type: 'object',
  properties: { person: { type: 'boolean' }, animals: { type: 'integer' } },
  required: ['person', 'animals'],
};

/** @returns what each preset asks, with the dialog's own questions */
function presetQuestions(presets) {
  const { describePreset, askPreset, yesNoPreset, choosePreset, countPreset } = presets;
  const { changePreset, fieldPreset, jsonPreset } = presets;
  return {
    describe: [describePreset('', '', 1)],
    ask: [askPreset('', '')],
    'yes-no': [yesNoPreset('')],
    choose: [choosePreset('', ['a person', 'an animal', 'a vehicle', 'nothing'])],
    count: [countPreset('')],
    'changed, each': [describePreset('', '', 1)],
    'changed, together': [changePreset('', '')],
    'json, fields': [
      fieldPreset({ name: 'person', schema: { type: 'boolean' } }, ''),
      fieldPreset({ name: 'vehicles', schema: { type: 'integer' } }, ''),
      fieldPreset({ name: 'time of day', schema: { enum: ['day', 'night'] } }, ''),
    ],
    'json, whole': [jsonPreset('', '', schema)],
  };
}

/** @returns preset → answers, each `{ text, probabilities, leads }`: of each token over the next likeliest, as log probabilities */
export async function presetAnswers(captioner, presets, framesFolder) {
  const names = readdirSync(framesFolder).filter((name) => name.endsWith('.jpg'));
  const frames = names.sort().map((name) => readFileSync(join(framesFolder, name)));
  const hooks = { onProgress() {}, onToken() {}, signal: new AbortController().signal };
  const answers = {};
  for (const [preset, questions] of Object.entries(presetQuestions(presets))) {
    answers[preset] = [];
    for (const [index, frame] of frames.entries()) {
      const pictures =
        preset === 'changed, together' ? [frame, frames[(index + 1) % frames.length]] : [frame];
      for (const { prompt, choices, jsonSchema, maxNewTokens } of questions) {
        const request = { id: 'fidelity', prompt, choices, jsonSchema, maxNewTokens };
        const set = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
        const isFree = choices === undefined && jsonSchema === undefined;
        const answered = await captioner.describe(
          pictures,
          { ...set, ...(isFree && { answer: { topLogprobs: 2 } }) },
          hooks,
        );
        answers[preset].push({
          text: answered.text,
          probabilities: (answered.choices ?? []).map(({ probability }) => probability),
          leads: isFree
            ? answered.logprobs.map(({ top: [first, next] }) => first.logprob - next.logprob)
            : [],
        });
      }
    }
  }
  return answers;
}

/** @returns preset → how many answers are the same, of how many, and the largest difference of a probability */
export function comparedAnswers(answers, reference) {
  return Object.fromEntries(
    Object.entries(reference).map(([preset, expected]) => {
      const found = answers[preset];
      const differences = expected.flatMap(({ probabilities }, index) =>
        probabilities.map((value, choice) => Math.abs(value - found[index].probabilities[choice])),
      );
      const same = expected.filter(({ text }, index) => text === found[index].text).length;
      return [preset, { same, of: expected.length, difference: Math.max(0, ...differences) }];
    }),
  );
}

/** @returns preset of free text → the least ratio of the two largest probabilities at a token of its answers */
export function leastLeads(answers) {
  return Object.fromEntries(
    Object.entries(answers)
      .map(([preset, all]) => [preset, Math.exp(Math.min(...all.flatMap(({ leads }) => leads)))])
      .filter(([, lead]) => Number.isFinite(lead)),
  );
}
