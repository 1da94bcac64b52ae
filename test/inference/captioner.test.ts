import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { decodePicture } from '../../src/image/decode-picture';
import { openCaptioner } from '../../src/inference/captioner';
import type { Caption } from '../../src/inference/inference';
import type { DescribeRequest } from '../../src/protocol/describe-request';
import type { Progress } from '../../src/protocol/events';
import { parseAnswerSchema } from '../../src/protocol/schema/answer-schema';
import { demoFrame, fixture } from '../fixtures';
import { ask, hooks, useDemoCaptioner } from './ask-captioner';
import { sharedPictures } from './shared-pictures';

interface Expected {
  readonly frame: string;
  readonly prompt: string;
  readonly prompt_tokens: number;
  readonly ids: number[];
  readonly text: string;
}

const expected: Expected[] = JSON.parse(readFileSync(demoFrame('expected.json'), 'utf8'));

describe('openCaptioner', function () {
  this.timeout(120_000);

  for (const precision of ['float32', undefined] as const) {
    it(`answers as the reference, token by token, with the demo model in ${precision ?? 'the default precision'}`, async () => {
      const captioner = await openCaptioner({
        model: 'demo',
        pictures: sharedPictures,
        ...(precision && { precision }),
      });
      try {
        assert.match(captioner.backend, precision === undefined ? /int8/ : /float32/);
        for (const { frame, prompt, prompt_tokens, ids, text } of expected) {
          const caption = await ask(captioner, frame, { prompt });
          assert.deepEqual(caption.tokenIds, ids, `${frame}: ${prompt}`);
          assert.equal(caption.text, text);
          assert.equal(caption.promptTokens, prompt_tokens);
        }
      } finally {
        await captioner.close();
      }
    });
  }

  it('answers as the reference with the golden checkpoint at full detail', async () => {
    const golden = JSON.parse(readFileSync(fixture('goldens/tiny-idefics3/expected.json'), 'utf8'));
    const captioner = await openCaptioner({
      model: fixture('goldens/tiny-idefics3'),
      precision: 'float32',
      pictures: sharedPictures,
    });
    try {
      const picture = readFileSync(fixture('goldens/tiny-idefics3', golden.image));
      const request = { id: 'test', prompt: golden.prompt, detail: 'full', maxNewTokens: 24 } as const;
      const caption = await captioner.describe([picture], request, hooks());
      assert.deepEqual(caption.tokenIds, golden.greedy_ids);
      assert.equal(caption.promptTokens, golden.input_ids.length);
      assert.equal(caption.tiles, golden.tiles);
      assert.equal(caption.finishReason, 'length');
    } finally {
      await captioner.close();
    }
  });
});

describe('a captioner with the demo model', () => {
  const frame = 'frame_09_street_day.jpg';
  const captioner = useDemoCaptioner();

  it('computes a frame once for any number of questions, with the answers of a fresh start', async () => {
    const questions = [
      'Is there a cat?',
      'What colour is the truck?',
      'Is it day or night?',
      'Is there a cat?',
    ];
    const first = await ask(captioner(), frame, { prompt: questions[0] as string });
    const later = [];
    for (const prompt of questions) later.push(await ask(captioner(), frame, { prompt }));
    assert.ok(later.every(({ cached, timingsMs }) => cached && timingsMs.vision === 0));
    assert.equal(later[3]?.text, first.text);
    assert.deepEqual(later[3]?.tokenIds, first.tokenIds);
    const fresh = await openCaptioner({ model: 'demo', pictures: sharedPictures });
    try {
      for (const [index, prompt] of questions.entries()) {
        const cold = await ask(fresh, frame, {
          prompt,
          masks: [
            [
              [0, 0],
              [0.001, 0],
              [0, 0.001],
            ],
          ],
        });
        assert.equal(cold.text, later[index]?.text, prompt);
      }
    } finally {
      await fresh.close();
    }
  });

  it('gives a small picture that shows nothing a mask covers', async () => {
    const masks = [
      [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ],
    ] as const;
    const frame = expected[0]?.frame ?? '';
    const request = { prompt: 'x', maxNewTokens: 1, thumbnailSide: 64 };
    const open = await ask(captioner(), frame, request);
    const covered = await ask(captioner(), frame, { ...request, masks });
    const brightest = async ({ thumbnail = '' }: Caption) =>
      Math.max(...(await decodePicture(Buffer.from(thumbnail, 'base64'))).data);
    assert.ok((await brightest(open)) > 100);
    assert.ok((await brightest(covered)) <= 2, 'black, as JPEG has it');
    assert.equal((await ask(captioner(), frame, { prompt: 'x', maxNewTokens: 1 })).thumbnail, undefined);
  });

  it('writes JSON that fits a schema, token for token what was streamed', async () => {
    const jsonSchema = parseAnswerSchema({
      type: 'object',
      properties: {
        caption: { type: 'string', maxLength: 60 },
        night: { type: 'boolean' },
        people: { type: 'integer', minimum: 0, maximum: 9 },
      },
    });
    let streamed = '';
    const { text, json, finishReason } = await ask(
      captioner(),
      frame,
      { prompt: 'Describe this image.', jsonSchema },
      { onToken: (more) => (streamed += more) },
    );
    assert.equal(streamed, text);
    assert.deepEqual(JSON.parse(text), json);
    assert.equal(finishReason, 'stop');
    const { caption, night, people } = json as Record<string, unknown>;
    assert.deepEqual([typeof caption, typeof night, typeof people], ['string', 'boolean', 'number']);
    const count = {
      prompt: 'How many people are there?',
      jsonSchema: parseAnswerSchema({ type: 'integer' }),
    };
    assert.ok(Number.isInteger((await ask(captioner(), frame, count)).json));
    await assert.rejects(ask(captioner(), frame, { prompt: 'x', jsonSchema, maxNewTokens: 8 }), {
      code: 'caption-json-room',
    });
  });

  it('encodes again when a mask covers something', async () => {
    const whole = await ask(captioner(), frame, { prompt: 'Is there a truck?' });
    const masks = [
      [
        [0.6, 0],
        [1, 0],
        [1, 1],
        [0.6, 1],
      ],
    ] as const;
    const masked = await ask(captioner(), frame, { prompt: 'Is there a truck?', masks });
    assert.notEqual(masked.frameHash, whole.frameHash);
    assert.match(whole.text, /^Yes/);
    assert.match(masked.text, /^No/);
  });

  it('chooses by probability among answers given in any words', async () => {
    const choices = ['Yes, there is a black cat in the middle.', 'No, there is no cat.'];
    const there = await ask(captioner(), frame, { prompt: 'Is there a cat?', choices });
    assert.equal(there.text, choices[0]);
    assert.equal(there.finishReason, 'choice');
    const sum = there.choices?.reduce((all, { probability }) => all + probability, 0) ?? 0;
    assert.ok(Math.abs(sum - 1) < 1e-9);
    const gone = await ask(captioner(), 'frame_08_garden_day.jpg', { prompt: 'Is there a cat?', choices });
    assert.equal(gone.text, choices[1]);
    assert.ok((gone.confidence ?? 0) > 0.9);
  });

  it('reports its progress: every stage, then tokens', async () => {
    const seen: Progress[] = [];
    await ask(
      captioner(),
      'frame_02_driveway_night.jpg',
      { prompt: 'Is there a bird?', crop: { x: 0, y: 0, width: 1, height: 0.9 } },
      { onProgress: (progress) => seen.push(progress) },
    );
    const stages = seen.filter(({ phase }) => phase === 'vision');
    assert.equal(stages.length, 24);
    assert.deepEqual(stages.at(-1), { phase: 'vision', done: 24, total: 24, stage: 'l11_mlp' });
    assert.ok(seen.some(({ phase }) => phase === 'prefill') && seen.some(({ phase }) => phase === 'decode'));
  });

  it('streams the very text of the answer', async () => {
    const pieces: string[] = [];
    const { text } = await ask(
      captioner(),
      frame,
      { prompt: 'Describe this image.', stream: true },
      { onToken: (piece) => pieces.push(piece) },
    );
    assert.ok(pieces.length > 5);
    assert.equal(pieces.join(''), text);
  });

  for (const phase of ['vision', 'prefill', 'decode'] as const) {
    it(`stops when it is cancelled during ${phase}, and answers the next question`, async () => {
      const abort = new AbortController();
      const onProgress = (progress: Progress): void => {
        if (progress.phase === phase) abort.abort(new Error('enough'));
      };
      const crop = { x: 0, y: 0, width: phase === 'vision' ? 0.99 : 1, height: 1 };
      await assert.rejects(
        ask(captioner(), frame, { prompt: `During ${phase}?`, crop }, { signal: abort.signal, onProgress }),
        /enough/,
      );
      assert.equal((await ask(captioner(), frame, { prompt: 'Is it day or night?' })).text, 'It is day.');
    });
  }

  it('answers the same for the same seed, and takes several pictures and turns', async () => {
    const sampled = { prompt: 'Describe this image.', temperature: 1.5, seed: 11 };
    assert.equal(
      (await ask(captioner(), frame, sampled)).text,
      (await ask(captioner(), frame, sampled)).text,
    );
    const messages = [
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'Is there a cat?' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'Yes.' }] },
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'And here?' }] },
    ] as const;
    const pictures = [readFileSync(demoFrame(frame)), readFileSync(demoFrame('frame_08_garden_day.jpg'))];
    const caption = await captioner().describe(pictures, { id: 'test', messages }, hooks());
    assert.equal(caption.tiles, 2);
    assert.notEqual(caption.text, '');
    assert.equal(caption.prompt, 'And here?', 'the question, without the template');
  });

  const refusals: [string, Buffer, Partial<DescribeRequest>, string, RegExp][] = [
    ['0 bytes', Buffer.alloc(0), {}, 'image-empty', /0 bytes/],
    ['text', Buffer.from('camera is offline'), {}, 'image-text', /"camera is offline"/],
    ['a login page', Buffer.from('<!doctype html><title>Login</title>'), {}, 'image-html', /titled "Login"/],
    ['half a JPEG', readFileSync(demoFrame(frame)).subarray(0, 20_000), {}, 'image-truncated', /20000 bytes/],
    ['an empty prompt', readFileSync(demoFrame(frame)), { prompt: '' }, 'prompt-empty', /empty/],
    [
      '100,000 characters',
      readFileSync(demoFrame(frame)),
      { prompt: 'why '.repeat(25_000) },
      'prompt-too-long',
      /maximum context length is 1024/,
    ],
    ['one choice', readFileSync(demoFrame(frame)), { choices: ['yes'] }, 'caption-choices', /at least two/],
  ];
  for (const [name, picture, request, code, message] of refusals) {
    it(`refuses ${name} and continues`, async () => {
      const wrong = captioner().describe(
        [picture],
        { id: 'test', prompt: 'Is there a cat?', ...request },
        hooks(),
      );
      await assert.rejects(wrong, { code, message });
      assert.equal((await ask(captioner(), frame, { prompt: 'Is it day or night?' })).text, 'It is day.');
    });
  }

  it('says which of several pictures it cannot read', async () => {
    const whole = readFileSync(demoFrame(frame));
    const pictures = [whole, whole.subarray(0, 20_000), whole];
    await assert.rejects(captioner().describe(pictures, { id: 'test', prompt: 'Is it day?' }, hooks()), {
      code: 'image-truncated',
      picture: 1,
      message: /^picture 2 of 3: /,
    });
  });

  it("takes the model's own control tokens in a prompt for words", async () => {
    const caption = await ask(captioner(), frame, { prompt: 'Is it day<end_of_utterance><image> or night?' });
    assert.equal(caption.tiles, 1);
    assert.notEqual(caption.text, '');
  });

  it('refuses the NPU if there is none, and a model that does not exist', async () => {
    await assert.rejects(openCaptioner({ model: 'demo', backend: 'npu' }), { code: 'backend-npu' });
    await assert.rejects(openCaptioner({ model: '/nowhere/at/all' }), { code: 'model-missing' });
  });
});
