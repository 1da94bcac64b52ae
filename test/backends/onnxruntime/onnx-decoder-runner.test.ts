import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  OnnxDecoderRunner,
  type OnnxDecoderSettings,
} from '../../../src/backends/onnxruntime/onnx-decoder-runner';
import { writeOnnxDecoder } from '../../../src/convert/bundle/onnx-decoder';
import type { BundleDecoder, Precision } from '../../../src/model/bundle/bundle-manifest';
import { type Checkpoint, openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { greedyToken } from '../../../src/text/probability';
import { TokenEmbeddings } from '../../../src/text/token-embeddings';
import { fixture } from '../../fixtures';

const golden = fixture('goldens/tiny-idefics3');

describe('OnnxDecoderRunner', () => {
  let dir: string;
  let checkpoint: Checkpoint;
  let embeddings: TokenEmbeddings;
  const decoders = new Map<Precision, BundleDecoder>();

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'smolvlm-decoder-'));
    checkpoint = await openCheckpoint(golden);
    embeddings = new TokenEmbeddings(checkpoint.tensors);
  });
  after(async () => {
    await checkpoint.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function open(
    precision: Precision = 'float32',
    settings: Pick<OnnxDecoderSettings, 'contextLimit' | 'door'> = {},
  ): Promise<OnnxDecoderRunner> {
    const entry = decoders.get(precision) ?? (await writeOnnxDecoder(dir, checkpoint, precision, {})).entry;
    if (precision === 'float32') decoders.set(precision, entry);
    return OnnxDecoderRunner.open(dir, entry, checkpoint.config.text, {
      threads: 2,
      ...settings,
    });
  }

  it('continues text with the reference’s tokens', async () => {
    const { text_only } = JSON.parse(await readFile(join(golden, 'expected.json'), 'utf8'));
    const [prompt, expected] = [text_only.ids.slice(0, 4), text_only.ids.slice(4)];
    await using runner = disposable(await open());
    const context = runner.createContext();
    const ids: number[] = [];
    let logits = await context.append(await embeddings.rows(prompt));
    while (ids.length < expected.length) {
      ids.push(greedyToken(logits));
      logits = await context.append(await embeddings.rows(ids.slice(-1)));
    }
    assert.deepEqual(ids, expected);
  });

  for (const door of ['native', 'script'] as const) {
    it(`uses no processor after a step (${door})`, async () => {
      await using runner = disposable(await open('float32', { door }));
      const context = runner.createContext();
      const rows = new Float32Array(200 * runner.width).fill(0.1);
      // Processor time, not the clock: spinning threads use about 35 ms of it after each run.
      let usedMs = 0;
      for (let count = 0; count < 10; count++) {
        context.truncate(0);
        await context.append(rows);
        const before = process.cpuUsage();
        await delay(50);
        const { user, system } = process.cpuUsage(before);
        usedMs += (user + system) / 1000;
      }
      assert.ok(usedMs < 150, `${usedMs} ms of the processor`);
    });
  }

  it('computes the decoder’s hidden_act like the reference, and refuses one it does not support', async () => {
    const goldens = JSON.parse(await readFile(join(golden, 'hidden-acts.json'), 'utf8'));
    const { text_only } = JSON.parse(await readFile(join(golden, 'expected.json'), 'utf8'));
    const withActivation = (hiddenAct: string): Checkpoint => ({
      ...checkpoint,
      config: { ...checkpoint.config, text: { ...checkpoint.config.text, hiddenAct } },
    });
    for (const [hiddenAct, expected] of Object.entries<{ logits_first8: number[]; ids: number[] }>(goldens)) {
      const folder = join(dir, hiddenAct);
      await mkdir(folder);
      const changed = withActivation(hiddenAct);
      const { entry } = await writeOnnxDecoder(folder, changed, 'float32', {});
      await using runner = disposable(await OnnxDecoderRunner.open(folder, entry, changed.config.text));
      const context = runner.createContext();
      let logits = await context.append(await embeddings.rows(text_only.ids.slice(0, 4)));
      const first8 = Float32Array.from(expected.logits_first8);
      assert.ok(largestDifference(logits.subarray(0, 8), first8) < 2e-4, hiddenAct);
      const ids: number[] = [];
      while (ids.length < expected.ids.length) {
        ids.push(greedyToken(logits));
        logits = await context.append(await embeddings.rows(ids.slice(-1)));
      }
      assert.deepEqual(ids, expected.ids, hiddenAct);
    }
    await assert.rejects(writeOnnxDecoder(dir, withActivation('mish'), 'float32', {}), {
      code: 'activation-unknown',
      message: /text_config\.hidden_act: .*received "mish"/,
    });
  });

  for (const door of ['native', 'script'] as const) {
    it(`returns the same logits token by token, in pieces of any size, and over grown caches (${door})`, async () => {
      await using runner = disposable(await open('float32', { door }));
      const ids = Array.from({ length: 300 }, (_, index) => (index * 7919) % 49_000);
      const rows = await embeddings.rows(ids);
      const whole = await runner.createContext().append(rows, 'all');
      const stepwise = runner.createContext();
      for (const [index] of ids.entries()) {
        const row = rows.subarray(index * runner.width, (index + 1) * runner.width);
        const logits = await stepwise.append(row);
        if (index % 50 !== 49) continue;
        const expected = whole.subarray(index * runner.vocabularySize, (index + 1) * runner.vocabularySize);
        assert.ok(largestDifference(logits, expected) < 2e-4, `token ${index}`);
      }
      assert.equal(stepwise.length, 300);
    });

    it(`drops what is truncated (${door})`, async () => {
      await using runner = disposable(await open('float32', { door }));
      const context = runner.createContext();
      const [first, wrong, right] = [
        await embeddings.rows([5, 6]),
        await embeddings.rows([7, 8]),
        await embeddings.rows([9]),
      ];
      await context.append(first);
      await context.append(wrong);
      context.truncate(2);
      const again = await context.append(right);
      const fresh = runner.createContext();
      await fresh.append(first);
      assert.ok(largestDifference(again, await fresh.append(right)) < 1e-5);
    });
  }

  it('forks a context into one that continues by itself', async () => {
    await using runner = disposable(await open());
    const rows = await embeddings.rows(Array.from({ length: 100 }, (_, index) => index + 5));
    const row = (index: number) => rows.subarray(index * runner.width, (index + 1) * runner.width);
    const context = runner.createContext();
    await context.append(rows);
    const forked = context.fork(80);
    assert.equal(forked.length, 80);
    const other = await forked.append(row(3));
    const fresh = runner.createContext();
    await fresh.append(rows.subarray(0, 80 * runner.width));
    assert.ok(largestDifference(other, await fresh.append(row(3))) < 1e-4);
    const continued = await context.append(row(3));
    assert.equal(context.length, 101);
    assert.ok(largestDifference(continued, other) > 1e-3);
  });

  it('computes contexts that take turns as if each were alone', async () => {
    await using runner = disposable(await open());
    const [one, other] = [runner.createContext(), runner.createContext()];
    const rows = await embeddings.rows([5, 6, 7]);
    const row = (index: number) => rows.subarray(index * runner.width, (index + 1) * runner.width);
    const [first] = await Promise.all([one.append(row(0)), other.append(row(2))]);
    await Promise.all([one.append(row(1)), other.append(row(1))]);
    const last = await one.append(row(2));
    const whole = await runner.createContext().append(rows, 'all');
    assert.ok(largestDifference(first, whole.subarray(0, runner.vocabularySize)) < 1e-4);
    assert.ok(largestDifference(last, whole.subarray(2 * runner.vocabularySize)) < 1e-4);
  });

  it('refuses a decoder of another version when it is opened', async () => {
    const { entry } = await writeOnnxDecoder(dir, checkpoint, 'float32', {});
    const text = { ...checkpoint.config.text, layers: checkpoint.config.text.layers + 1 };
    await assert.rejects(OnnxDecoderRunner.open(dir, entry, text), { code: 'decoder-load' });
  });

  // Small random weights amplify every rounding; docs/fidelity.md has what real weights keep.
  for (const [precision, cosine] of [
    ['int8', 0.99],
    ['int4', 0.75],
  ] as const) {
    it(`keeps ${precision} logits near float32's, on random weights`, async () => {
      const rows = await embeddings.rows([504, 2644, 2643, 335]);
      await using exact = disposable(await open());
      const expected = await exact.createContext().append(rows);
      await using runner = disposable(await open(precision));
      const logits = await runner.createContext().append(rows);
      decoders.clear();
      assert.ok(cosineOf(logits, expected) > cosine, `${cosineOf(logits, expected)}`);
      assert.notDeepEqual(logits, expected);
    });
  }

  it('refuses more tokens than the context holds, and continues to work', async () => {
    await using runner = disposable(await open('float32', { contextLimit: 3 }));
    const context = runner.createContext();
    await context.append(await embeddings.rows([1, 2]));
    await assert.rejects(context.append(await embeddings.rows([3, 4])), {
      code: 'decoder-context',
      message: /2 tokens and 2 more exceed the context of 3/,
    });
    assert.equal((await context.append(await embeddings.rows([3]))).length, runner.vocabularySize);
  });

  it('refuses rows of another width', async () => {
    await using runner = disposable(await open());
    await assert.rejects(runner.createContext().append(new Float32Array(49)), { code: 'decoder-rows' });
    await assert.rejects(runner.createContext().append(new Float32Array()), { code: 'decoder-rows' });
  });

  it('names a file that is not a decoder', async () => {
    const files = [{ path: 'nowhere.onnx', sha256: '0'.repeat(64), sizeBytes: 1 }];
    const decoder: BundleDecoder = { format: 'onnx', precision: 'float32', files };
    await assert.rejects(OnnxDecoderRunner.open(dir, decoder, checkpoint.config.text), {
      code: 'decoder-load',
      message: /nowhere\.onnx/,
    });
  });
});

function disposable(runner: OnnxDecoderRunner): OnnxDecoderRunner & AsyncDisposable {
  return Object.assign(runner, { [Symbol.asyncDispose]: () => runner.close() });
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - (b[index] as number))), 0);
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number =>
    x.reduce((sum, value, index) => sum + value * (y[index] as number), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
