import { SmolvlmError } from '../../errors';
import type { AnswerSchema } from '../../protocol/answer-schema';
import { shortened } from '../../protocol/caption-property';
import type { DescribeRequest } from '../../protocol/describe-request';
import type { CaptionResult, Choice } from '../../protocol/events';
import { defaultPrompt } from '../dialog-fields';
import type { JsonField } from './caption-settings';

/** What the engine is asked. */
export interface Question extends Pick<DescribeRequest, 'choices' | 'jsonSchema' | 'maxNewTokens'> {
  readonly prompt: string;
}

/** What the engine's answer means: `msg.payload`, and what differs in `msg.caption`. */
export interface ParsedAnswer {
  readonly payload: unknown;
  readonly caption?: Readonly<Record<string, unknown>>;
}

/** A question together with how its answer is read. */
export interface Preset extends Question {
  /** It is worth reading as it is written: words, not a choice. */
  readonly inWords: boolean;
  read(result: CaptionResult): ParsedAnswer;
}

/** Long enough for a dozen fields. */
const jsonTokens = 256;
const mostCounted = 999;

/** Pictures in order, as `msg.payload` gave them. */
const severalFrames = 'These pictures are from one camera, in order. Describe what happens in one sentence.';

/** Described in words. @param frames pictures of the question */
export function describeQuestion(question: string, language: string, frames: number): Preset {
  const standard = frames > 1 ? severalFrames : 'Describe this image in one sentence.';
  return inWords(inLanguage(question || standard, language));
}

/** The user's own words; scored where choices are offered, and then as they are written. */
export function askQuestion(
  question: string,
  language: string,
  choices: readonly string[] | undefined,
): Preset {
  const prompt = inLanguage(question || defaultPrompt, language);
  if (!choices) return inWords(prompt);
  return { prompt, choices, inWords: false, read: ({ text }) => ({ payload: text }) };
}

/**
 * The model may end a short answer with a full stop or without: both count. On the demo frames (96 questions)
 * scoring got 94 right, writing freely after the same instruction 74.
 */
export function yesNoQuestion(question: string, minConfidence?: number): Preset {
  return {
    prompt: `${question || 'Is there a person?'} Answer yes or no.`,
    choices: ['Yes', 'Yes.', 'No', 'No.'],
    inWords: false,
    read: ({ choices = [] }) => {
      const yes = together(choices, 'yes', 'Yes');
      const no = together(choices, 'no', 'No');
      const best = yes.probability > no.probability ? yes : no;
      return scoredMeaning(best, [yes, no], best === yes, minConfidence);
    },
  };
}

/** @throws SmolvlmError `node-property` when there are no choices */
export function chooseQuestion(
  question: string,
  choices: readonly string[] | undefined,
  minConfidence?: number,
): Preset {
  if (!choices || new Set(choices).size < Math.max(2, choices.length)) {
    const received = choices ? choices.join(', ') : 'nothing';
    throw new SmolvlmError(
      'node-property',
      `choices: expected two or more different ones, received ${received}`,
      {
        hint: 'Write them into the dialog with commas between them, or send msg.choices.',
      },
    );
  }
  // A list of sentences would not read as one.
  const sentences = choices.some((choice) => /[.!?]$/.test(choice));
  const offer = sentences ? '' : ` Answer ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}.`;
  return {
    prompt: `${question || 'Which of these fits the picture?'}${offer}`,
    choices,
    inWords: false,
    read: ({ choices: found = [] }) => {
      const best = found.reduce((a, b) => (b.probability > a.probability ? b : a));
      return scoredMeaning(best, found, best.text, minConfidence);
    },
  };
}

/**
 * @param what e.g. `people`, or a whole question. A number is written under constraint, which was as true as ten
 * scored digits on the demo frames (95 of 96) and knows no largest one worth the name
 */
export function countQuestion(what: string, range: CountRange = {}): Preset {
  const { minimum = 0, maximum = mostCounted } = range;
  const question = what.includes('?') ? what : `How many ${what || 'people'} are there?`;
  return {
    prompt: `${question} Answer with a number.`,
    jsonSchema: { type: 'integer', minimum, maximum },
    inWords: false,
    read: ({ json }) => ({ payload: json }),
  };
}

export interface CountRange {
  readonly minimum?: number;
  readonly maximum?: number;
}

/** The whole object in one answer. */
export function jsonQuestion(question: string, language: string, schema: AnswerSchema): Preset {
  const names = 'properties' in schema ? ` with ${Object.keys(schema.properties).join(', ')}` : '';
  return {
    prompt: inLanguage(`${question || defaultPrompt} Answer in JSON${names}.`, language),
    jsonSchema: schema,
    maxNewTokens: jsonTokens,
    inWords: true,
    read: ({ json }) => ({ payload: json }),
  };
}

/**
 * One field of the object by itself, asked in the way that suits its type. On the demo frames (6 fields each) 71 of
 * 72 values were right, against 40 when the object was written at once.
 */
export function fieldQuestion({ name, schema, question }: JsonField, language: string): Preset {
  const words = name.replaceAll(/[_-]+/g, ' ');
  if ('enum' in schema) return enumQuestion(question ?? `What is the ${words}?`, schema);
  switch (schema.type) {
    case 'boolean':
      return yesNoQuestion(question ?? `Is there ${/^[aeiou]/i.test(words) ? 'an' : 'a'} ${words}?`);
    case 'integer':
      return countQuestion(question ?? words, schema);
    case 'string': {
      const { maxLength } = schema;
      const asked = inWords(inLanguage(question ?? `What is the ${words}?`, language));
      return { ...asked, read: ({ text }) => ({ payload: maxLength ? shortened(text, maxLength) : text }) };
    }
    default:
      return jsonQuestion(question ?? `What is the ${words}?`, language, schema);
  }
}

/** Values that are no text, e.g. numbers, are scored by how JSON writes them. */
function enumQuestion(
  question: string,
  schema: AnswerSchema & { readonly enum: readonly unknown[] },
): Preset {
  const texts = schema.enum.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  const scorable = texts.length > 1 && new Set(texts).size === texts.length && !texts.includes('');
  if (!scorable) return jsonQuestion(question, '', schema);
  const choose = chooseQuestion(question, texts);
  return { ...choose, read: ({ text }) => ({ payload: schema.enum[texts.indexOf(text)] }) };
}

/** Both frames at once. */
export function changeQuestion(question: string, language: string): Preset {
  const standard = 'The first picture is from before, the second is from now. What changed?';
  return inWords(inLanguage(question || standard, language));
}

function inWords(prompt: string): Preset {
  return { prompt, inWords: true, read: ({ text }) => ({ payload: text }) };
}

function inLanguage(prompt: string, language: string): string {
  return language === '' ? prompt : `${prompt} Answer in ${language}.`;
}

/** The answers that begin so, as one. */
function together(choices: readonly Choice[], text: string, beginning: string): Choice {
  const those = choices.filter((choice) => choice.text.startsWith(beginning));
  const largest = Math.max(...those.map(({ logProbability }) => logProbability));
  const sum = those.reduce((all, { logProbability }) => all + Math.exp(logProbability - largest), 0);
  return {
    text,
    probability: those.reduce((all, { probability }) => all + probability, 0),
    logProbability: largest + Math.log(sum),
  };
}

function scoredMeaning(
  best: Choice,
  choices: readonly Choice[],
  payload: unknown,
  minConfidence: number | undefined,
): ParsedAnswer {
  const confidence = best.probability;
  const sure = minConfidence === undefined || confidence >= minConfidence;
  return {
    payload: sure ? payload : null,
    caption: {
      text: best.text,
      short: shortened(best.text),
      confidence,
      choices,
      ...(minConfidence !== undefined && { sure }),
    },
  };
}
