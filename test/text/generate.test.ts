import assert from 'node:assert/strict';
import type { TensorSource } from '../../src/model/safetensors/tensor-source';
import { ContextPool, type PooledContext } from '../../src/text/context-pool';
import { embedPrompt } from '../../src/text/embed-prompt';
import { type GenerateOptions, generate } from '../../src/text/generate';
import { prefill } from '../../src/text/prefill';
import { scoreChoices } from '../../src/text/score-choices';
import { TokenEmbeddings } from '../../src/text/token-embeddings';
import { CountingDecoder } from './counting-decoder';

/** Token id i is the row [i]. */
const identity: TensorSource = {
  shape: () => [10, 1],
  read: async () => Float32Array.from({ length: 10 }, (_, id) => id),
  readRows: async (_name, begin, end) =>
    Float32Array.from({ length: end - begin }, (_, index) => begin + index),
};
const embeddings = new TokenEmbeddings(identity);
const stream = { push: (id: number) => `${id}`, end: () => '' };
const options: GenerateOptions = { maxNewTokens: 4, stopIds: [9], stream };

async function started(ids: readonly number[], pool = new ContextPool(new CountingDecoder())) {
  const prompt = await embedPrompt(ids, -1, [], embeddings);
  const pooled = pool.take(prompt.keys);
  const logits = await prefill(pooled, prompt);
  return { pooled, logits };
}

function continued(
  { pooled, logits }: { pooled: PooledContext; logits: Float32Array },
  more: Partial<GenerateOptions> = {},
) {
  return generate(pooled, logits, embeddings, { ...options, ...more });
}

describe('generate', () => {
  it('continues greedily to the stop token, which is not part of the text', async () => {
    // 1+2 → 3, 3+3 → 6, 6+6 → 2, 2+12 → 4 …
    const { tokenIds, text, finishReason } = await continued(await started([1, 2]), {
      stopIds: [4],
      maxNewTokens: 9,
    });
    assert.deepEqual(tokenIds, [3, 6, 2, 4]);
    assert.equal(text, '362');
    assert.equal(finishReason, 'stop');
  });

  it('ends at the maximum number of tokens and returns their mean probability', async () => {
    const { tokenIds, finishReason, confidence } = await continued(await started([1, 2]), {
      maxNewTokens: 2,
    });
    assert.deepEqual(tokenIds, [3, 6]);
    assert.equal(finishReason, 'length');
    assert.ok(Math.abs(confidence - Math.exp(3) / (Math.exp(3) + 9)) < 1e-6);
  });

  it('ends at a stop string', async () => {
    const { text, finishReason } = await continued(await started([1, 2]), { stop: ['62'] });
    assert.deepEqual([text, finishReason], ['3', 'stop']);
  });

  it('can be cancelled at any token, and the context stays usable', async () => {
    const start = await started([1, 2]);
    for (let tokens = 0; tokens < 3; tokens++) {
      const abort = new AbortController();
      const done: number[] = [];
      if (tokens === 0) abort.abort(new Error('enough'));
      const onToken = (count: number): void => {
        done.push(count);
        if (count === tokens) abort.abort(new Error('enough'));
      };
      await assert.rejects(continued(start, { signal: abort.signal, onToken }), /enough/);
      assert.equal(done.length, tokens);
      assert.equal(start.pooled.keys.length, start.pooled.context.length);
      start.pooled.context.truncate(2);
      start.pooled.keys.length = 2;
    }
    assert.deepEqual((await continued(start)).tokenIds, [3, 6, 2, 4]);
  });

  it('reports an answer without any text as an error', async () => {
    await assert.rejects(continued(await started([4, 5])), { code: 'caption-empty' });
  });
});

describe('scoreChoices', () => {
  const answers = [
    { text: 'three six', tokenIds: [3, 6] },
    { text: 'three', tokenIds: [3] },
    { text: 'five five', tokenIds: [5, 5] },
  ];

  it('returns for each answer the probability of exactly that text, in the order given', async () => {
    const { pooled, logits } = await started([1, 2]);
    const scored = await scoreChoices(pooled, logits, answers, embeddings);
    const certain = Math.log(Math.exp(3) / (Math.exp(3) + 9));
    const other = Math.log(1 / (Math.exp(3) + 9));
    const expected = [2 * certain, certain, 2 * other];
    for (const [index, { logProbability }] of scored.entries()) {
      assert.ok(Math.abs(logProbability - (expected[index] as number)) < 1e-5);
    }
    assert.ok(Math.abs(scored.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-9);
    assert.equal(pooled.keys.length, 2);
    assert.equal(pooled.context.length, 2);
  });

  for (const [name, texts, message] of [
    ['one answer', ['yes'], /at least two choices, received 1/],
    ['an empty answer', ['yes', ' '], /a choice is empty/],
    ['the same answer twice', ['yes', 'no', 'yes '], /"yes" is given twice/],
  ] as const) {
    it(`refuses ${name}`, async () => {
      const { pooled, logits } = await started([1, 2]);
      const given = texts.map((text) => ({ text, tokenIds: [1] }));
      await assert.rejects(scoreChoices(pooled, logits, given, embeddings), {
        code: 'caption-choices',
        message,
      });
    });
  }
});

describe('ContextPool', () => {
  it('appends only what the kept context does not contain', async () => {
    const decoder = new CountingDecoder();
    const pool = new ContextPool(decoder);
    const { pooled } = await started([1, 2, 3, 4, 5], pool);
    pool.give(pooled);
    decoder.appendedRows = 0;
    const again = await started([1, 2, 3, 4, 6], pool);
    assert.equal(again.pooled, pooled);
    assert.equal(decoder.appendedRows, 1);
    assert.deepEqual((await continued(again, { maxNewTokens: 1 })).tokenIds, [6]);
  });

  it('copies the beginning that all prompts share', async () => {
    const decoder = new CountingDecoder();
    const pool = new ContextPool(decoder);
    const first = await started([1, 2, 3, 4, 5], pool);
    pool.give(first.pooled);
    decoder.appendedRows = 0;
    const other = await started([1, 2, 6, 7, 8], pool);
    assert.notEqual(other.pooled, first.pooled);
    assert.equal(decoder.appendedRows, 3);
    assert.equal(other.logits.indexOf(3), (1 + 2 + 6 + 7 + 8) % 10);
    assert.deepEqual(first.pooled.keys, ['1', '2', '3', '4', '5']);
    assert.equal(first.pooled.context.length, 5);
  });

  it('computes the last row again when the prompt is the same', async () => {
    const decoder = new CountingDecoder();
    const pool = new ContextPool(decoder);
    pool.give((await started([1, 2, 3], pool)).pooled);
    decoder.appendedRows = 0;
    const { logits } = await started([1, 2, 3], pool);
    assert.equal(decoder.appendedRows, 1);
    assert.equal(logits.indexOf(3), 6);
  });

  it('keeps the context of another prompt, and closes the least recently used one when there are too many', async () => {
    const decoder = new CountingDecoder();
    const pool = new ContextPool(decoder, 2 ** 20, 2);
    for (const first of [1, 2, 3]) {
      const { pooled } = await started([first, 7, 7, 7], pool);
      pool.give(pooled);
    }
    assert.equal(decoder.openContexts, 2);
    pool.close();
    assert.equal(decoder.openContexts, 0);
  });
});

describe('embedPrompt', () => {
  it('puts image rows in place of the image tokens and names every row', async () => {
    const images = [
      { key: 'a', rows: Float32Array.of(50, 51) },
      { key: 'b', rows: Float32Array.of(60) },
    ];
    const { rows, keys } = await embedPrompt([1, 8, 8, 2, 8], 8, images, embeddings);
    assert.deepEqual([...rows], [1, 50, 51, 2, 60]);
    assert.deepEqual(keys, ['1', 'a:0', 'a:1', '2', 'b:0']);
  });

  it('refuses rows that do not match the number of image tokens', async () => {
    const images = [{ key: 'a', rows: Float32Array.of(50, 51) }];
    await assert.rejects(embedPrompt([1, 8, 2], 8, images, embeddings), {
      code: 'prompt-image-rows',
      message: /1 image tokens.*2 rows/,
    });
  });
});
