import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openCaptioner } from '../../../src/inference/captioner';
import type { Captioner, CaptionerOptions } from '../../../src/inference/inference';
import { NpuReadWriteLock } from '../../../src/inference/npu/npu-read-write-lock';
import type { DescribeRequest } from '../../../src/protocol/describe-request';
import { EmulatedRkllm } from '../../backends/rkllm/emulated-rkllm';
import { EmulatedNpu } from '../../backends/rknn/emulated-npu';
import { setEnvironment } from '../../environment';
import { demoFrame } from '../../fixtures';
import { sharedPictures } from '../shared-pictures';
import { EmulatedBundle } from './emulated-bundle';

interface Expected {
  readonly frame: string;
  readonly prompt: string;
  readonly text: string;
}

const expected: Expected[] = JSON.parse(readFileSync(demoFrame('expected.json'), 'utf8'));

describe('a captioner with vision and text on the NPU', function () {
  this.timeout(120_000);
  let npu: EmulatedNpu;
  let rkllm: EmulatedRkllm;
  let bundle: EmulatedBundle;
  const opened: Captioner[] = [];

  before(async () => {
    npu = await EmulatedNpu.create({ SMOLVLM_NPU_CORES: '3' });
    rkllm = await EmulatedRkllm.create('1.3');
    bundle = await EmulatedBundle.create({ npuDecoder: true });
  });
  after(async () => {
    await bundle.remove();
    await rkllm.remove();
    await npu.remove();
  });
  beforeEach(() => rkllm.faults());
  afterEach(async () => {
    for (const captioner of opened.splice(0)) await captioner.close();
    assert.deepEqual([...(await rkllm.violations()), ...(await npu.violations())], []);
  });

  async function open(options: Partial<CaptionerOptions> = {}): Promise<Captioner> {
    const captioner = await openCaptioner({ model: bundle.dir, pictures: sharedPictures, ...options });
    opened.push(captioner);
    return captioner;
  }

  function ask(captioner: Captioner, { frame, prompt }: Expected, request: Partial<DescribeRequest> = {}) {
    const hooks = {
      signal: new AbortController().signal,
      onProgress: () => undefined,
      onToken: (text: string) => void pieces.push(text),
    };
    const pieces: string[] = [];
    const picture = readFileSync(demoFrame(frame));
    return captioner.describe([picture], { id: frame, prompt, ...request }, hooks).then((caption) => ({
      ...caption,
      streamed: pieces.join(''),
    }));
  }

  it('answers as the reference from our own prompt rows, word by word', async () => {
    const captioner = await open();
    assert.equal(captioner.framesInFlight, 1);
    for (const each of expected.slice(0, 8)) {
      const { text, streamed, backend, fallback } = await ask(captioner, each);
      assert.deepEqual([text, streamed, fallback], [each.text, each.text, undefined], each.frame);
      assert.equal(backend, 'rknn fp16 + rkllm');
    }
  });

  it('scores choices, and draws, on the CPU', async () => {
    const captioner = await open();
    const [one] = expected as [Expected];
    const scored = await ask(captioner, one, { choices: ['yes', 'no'] });
    assert.equal(scored.backend, 'rknn fp16 + onnxruntime int8');
    assert.equal(scored.choices?.length, 2);
    const drawn = await ask(captioner, one, { temperature: 0.5, seed: 1 });
    assert.equal(drawn.backend, 'rknn fp16 + onnxruntime int8');
  });

  it('writes JSON on the CPU, kept to its schema', async () => {
    const captioner = await open();
    const jsonSchema = { type: 'object', properties: { people: { type: 'integer' } } } as const;
    const { json, backend } = await ask(captioner, expected[0] as Expected, { jsonSchema });
    assert.equal(typeof (json as { people: unknown }).people, 'number');
    assert.doesNotMatch(backend, /rkllm/);
  });

  it('ends before a stop string', async () => {
    const each = expected.find(({ text }) => text.split(' ').length > 3) as Expected;
    const words = each.text.split(' ');
    const { text, finishReason } = await ask(await open(), each, { stop: [` ${words[2]}`] });
    assert.deepEqual([text, finishReason], [words.slice(0, 2).join(' '), 'stop']);
  });

  it('decodes on the CPU when the NPU fails, says so, and pauses the NPU', async () => {
    const captioner = await open();
    const [one, two] = expected as [Expected, Expected];
    await rkllm.faults('error_after 1');
    const caption = await ask(captioner, one);
    assert.deepEqual([caption.text, caption.fallback?.code], [one.text, 'decoder-run']);
    assert.equal(caption.backend, 'rknn fp16 + onnxruntime int8');
    await rkllm.faults();
    assert.equal((await ask(captioner, two)).fallback?.code, 'decoder-run');
    assert.equal(captioner.fallback?.code, 'decoder-run');
  });

  it('insists on the NPU, or on the CPU, where the request does', async () => {
    const [one] = expected as [Expected];
    const insisting = await open({ decoder: 'npu' });
    await rkllm.faults('run -1');
    await assert.rejects(ask(insisting, one), { code: 'decoder-run' });
    await rkllm.faults();
    assert.equal((await ask(insisting, one)).text, one.text);
    const cpu = await ask(await open({ decoder: 'cpu' }), one);
    assert.deepEqual([cpu.text, cpu.backend], [one.text, 'rknn fp16 + onnxruntime int8']);
    await assert.rejects(openCaptioner({ model: 'demo', decoder: 'npu' }), { code: 'bundle-no-decoder' });
  });

  it('decodes on the NPU from features of the CPU', async () => {
    const [one] = expected as [Expected];
    const { text, backend } = await ask(await open({ backend: 'cpu' }), one);
    assert.deepEqual([text, backend], [one.text, 'onnxruntime + rkllm']);
  });

  it('uses the vendor’s own prompt if that is set', async () => {
    const restore = setEnvironment({ SMOLVLM_RKLLM_INPUT: 'multimodal' });
    try {
      const { text } = await ask(await open(), {
        frame: 'frame_09_street_day.jpg',
        prompt: 'What?',
        text: '',
      });
      assert.match(
        text,
        /^<\|im_start\|>User:<image>What\?<end_of_utterance>\nAssistant: \[1 x \d+ rows of <image>, sum -?[\d.]+, width 256\]$/,
      );
    } finally {
      restore();
    }
  });
});

describe('NpuReadWriteLock', () => {
  it('runs vision side by side, and the language model alone, in the order of arrival', async () => {
    const turns = new NpuReadWriteLock();
    const inside = new Set<string>();
    const seen: string[] = [];
    const work = (name: string) => async (): Promise<void> => {
      inside.add(name);
      seen.push([...inside].join('+'));
      await delay(2);
      inside.delete(name);
    };
    await Promise.all([
      turns.shared(work('v1')),
      turns.shared(work('v2')),
      turns.exclusive(work('text')),
      turns.shared(work('v3')),
      turns.exclusive(work('more')),
    ]);
    assert.deepEqual(seen, ['v1', 'v1+v2', 'text', 'v3', 'more']);
    await assert.rejects(
      turns.exclusive(() => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await turns.shared(async () => 'yes'), 'yes');
  });
});
