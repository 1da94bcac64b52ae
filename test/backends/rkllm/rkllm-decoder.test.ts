import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RkllmDecoder, type RkllmSettings } from '../../../src/backends/rkllm/rkllm-decoder';
import { writeEmulatedDecoder } from '../../../src/cli/bench/emulator/emulated-decoder';
import { type Checkpoint, openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { demoModel } from '../../fixtures';
import { assertNoLeak } from '../../leaks';
import { ManualClock } from '../../system/manual-clock';
import { promptRows, writeWideDecoder } from './decoder-inputs';
import { EmulatedRkllm } from './emulated-rkllm';

describe('RkllmDecoder', function () {
  this.timeout(60_000);
  let checkpoint: Checkpoint;
  let dir: string;
  let path: string;
  /** A decoder whose answers have no end. */
  let endless: string;

  before(async () => {
    checkpoint = await openCheckpoint(demoModel);
    dir = await mkdtemp(join(tmpdir(), 'smolvlm-decoder-'));
    await writeEmulatedDecoder(dir, checkpoint);
    path = join(dir, 'decoder.rkllm');
    const folder = join(dir, 'endless');
    await mkdir(folder);
    const config = { ...checkpoint.config, eosTokenIds: [] };
    await writeEmulatedDecoder(folder, { dir: checkpoint.dir, config, tensors: checkpoint.tensors });
    endless = join(folder, 'decoder.rkllm');
  });
  after(async () => {
    await checkpoint.close();
    await rm(dir, { recursive: true, force: true });
  });

  for (const abi of ['1.2', '1.3'] as const) {
    describe(`with the structures of ${abi}`, () => {
      let rkllm: EmulatedRkllm;
      let rows: Float32Array;
      const opened: RkllmDecoder[] = [];
      before(async () => {
        rkllm = await EmulatedRkllm.create(abi);
        rows = await promptRows(checkpoint, 'User: What is there?\nAssistant:');
      });
      after(() => rkllm.remove());
      beforeEach(() => rkllm.faults());
      afterEach(async () => {
        for (const decoder of opened.splice(0)) await decoder.close();
        assert.deepEqual(await rkllm.violations(), []);
        assert.equal((await rkllm.trace()).findLast(({ live }) => live !== undefined)?.live, 0);
      });

      async function open(settings: Partial<RkllmSettings> = {}, file = path): Promise<RkllmDecoder> {
        const decoder = await RkllmDecoder.open(file, { maxContext: 512, ...settings });
        opened.push(decoder);
        return decoder;
      }

      const answer = (decoder: RkllmDecoder, maxNewTokens = 12, more = {}) =>
        decoder.answerRows(rows, checkpoint.config.text.hiddenSize, { maxNewTokens, ...more });

      it('answers greedily from the rows it is given, piece by piece', async () => {
        const decoder = await open({ driver: '0.9.8' });
        const pieces: string[] = [];
        const first = await answer(decoder, 12, { onText: (text: string) => pieces.push(text) > 0 });
        assert.ok(first.text.length > 0);
        assert.equal(pieces.join(''), first.text);
        assert.deepEqual(await answer(decoder), first);
        const short = await answer(decoder, 2);
        assert.deepEqual([short.tokenIds, short.finishReason], [first.tokenIds.slice(0, 2), 'length']);
        const [init] = await rkllm.trace();
        assert.deepEqual([init?.top_k, init?.skip_special, init?.context, init?.domain], [1, 1, 512, 1]);
      });

      it('assembles characters that arrive byte by byte, or over several tokens', async () => {
        const plain = await answer(await open());
        const [first, second, ...others] = [...new Set(plain.tokenIds)];
        assert.ok(first !== undefined && second !== undefined && others.length > 0);
        // Bytes of U+218A3 in two tokens, of U+8AAA in each other one; each token's are different.
        const pieces = new Map([
          [first, 'ð¡'],
          [second, '¢£'],
          ...others.map((id, index) => [id, 'èªª'.repeat(index + 1)] as const),
        ]);
        const wide = await mkdtemp(join(tmpdir(), 'smolvlm-wide-'));
        try {
          await writeWideDecoder(checkpoint, wide, pieces);
          const bytes = plain.tokenIds.map((id) => Buffer.from(pieces.get(id) ?? '', 'latin1'));
          const expected = new TextDecoder().decode(Buffer.concat(bytes));
          assert.ok(expected.startsWith('\u{218a3}\u8aaa'), expected);
          const decoder = await open({}, join(wide, 'decoder.rkllm'));
          assert.equal((await answer(decoder)).text, expected);
          await rkllm.faults('split');
          const said: string[] = [];
          const onText = (text: string): boolean => said.push(text) > 0;
          const { text } = await answer(decoder, 200, { onText });
          assert.deepEqual([text.slice(0, expected.length), said.join('')], [expected, text]);
          assert.ok(said.every((piece) => !piece.includes('\ufffd')));
        } finally {
          await rm(wide, { recursive: true, force: true });
        }
      });

      it('ignores results without text', async () => {
        const decoder = await open();
        await rkllm.faults('null_text');
        assert.equal((await answer(decoder, 3)).text, '');
      });

      it('stops when aborted, and answers the next question', async () => {
        const decoder = await open();
        await rkllm.faults('slow 20');
        const abort = new AbortController();
        const onToken = (done: number): void => void (done === 2 && abort.abort(new Error('enough')));
        await assert.rejects(answer(decoder, 200, { signal: abort.signal, onToken }), /enough/);
        await rkllm.faults();
        assert.ok((await answer(decoder)).text.length > 0);
        assert.ok((await rkllm.trace()).some((event) => event.abort === 1));
        let said = '';
        const onText = (text: string): boolean => {
          said += text;
          return said.length < 4;
        };
        const part = await answer(decoder, 12, { onText });
        assert.equal(part.text, said);
      });

      it('answers several requests one after the other', async () => {
        const decoder = await open();
        const all = await Promise.all([answer(decoder), answer(decoder), answer(decoder)]);
        assert.deepEqual(all[1], all[0]);
        assert.deepEqual(all[2], all[0]);
      });

      it('reports an error of the library, and continues to work', async () => {
        const decoder = await open();
        for (const fault of ['error', 'error_after 2', 'run -1']) {
          await rkllm.faults(fault);
          await assert.rejects(answer(decoder), { code: 'decoder-run' }, fault);
        }
        await rkllm.faults();
        assert.ok((await answer(decoder)).text.length > 0);
        await rkllm.faults('init -1');
        await assert.rejects(open(), {
          code: 'decoder-load',
          message: /decoder\.rkllm: rkllm_init returned -1/,
        });
      });

      it('stops a run that had not started when it was aborted', async () => {
        const decoder = await open({}, endless);
        await rkllm.faults('late 80', 'slow 20', 'stopped -1');
        await assert.rejects(answer(decoder, 200, { signal: AbortSignal.timeout(20) }), {
          name: 'TimeoutError',
        });
        const { tokens } = (await rkllm.trace()).findLast((event) => event.tokens !== undefined) ?? {};
        assert.ok(tokens !== undefined && tokens < 100, `${tokens} tokens of 200`);
      });

      it('ignores the status of a run that it aborted itself', async () => {
        const decoder = await open({}, endless);
        await rkllm.faults('slow 5', 'stopped -1');
        const { text } = await answer(decoder, 200, { onText: () => false });
        assert.ok(text.length > 0);
      });

      it('passes on what a listener throws', async () => {
        const decoder = await open();
        const onText = (): never => {
          throw new Error('listener');
        };
        await assert.rejects(answer(decoder, 12, { onText }), /listener/);
        assert.ok((await answer(decoder)).text.length > 0);
      });

      it('stops a run that produces nothing', async () => {
        const clock = new ManualClock();
        const decoder = await open({ silenceMs: 600, clock }, endless);
        await rkllm.faults('slow 100');
        const given = assert.rejects(answer(decoder, 200), { code: 'decoder-silent' });
        await clock.waitedFor();
        clock.advance(600);
        await given;
        await rkllm.faults();
        assert.ok((await answer(decoder)).text.length > 0);
      });

      it('gives up on a run that does not stop, and refuses others until it returns', async () => {
        const lost: number[] = [];
        const clock = new ManualClock();
        const decoder = await open({ lostMs: 100, clock, onLost: (ms) => void lost.push(ms) });
        await rkllm.faults('hang');
        const abort = new AbortController();
        const given = assert.rejects(answer(decoder, 3, { signal: abort.signal }), { code: 'npu-lost' });
        await clock.waitedFor();
        abort.abort();
        clock.advance(100);
        await given;
        assert.deepEqual(lost, [100]);
        await assert.rejects(answer(decoder), { code: 'npu-lost' });
        await rkllm.faults();
        for (let again = true; again; ) {
          await delay(20);
          again = await answer(decoder).then(
            () => false,
            () => true,
          );
        }
      });

      it('gives up on a file that is never loaded', async () => {
        const lost: number[] = [];
        const before = (await rkllm.trace()).length;
        await rkllm.faults('init_hang');
        const clock = new ManualClock();
        const given = assert.rejects(open({ loadMs: 100, clock, onLost: (ms) => void lost.push(ms) }), {
          code: 'npu-lost',
        });
        await clock.waitedFor();
        clock.advance(100);
        await given;
        assert.deepEqual(lost, [100]);
        await rkllm.faults();
        // Loaded after all, it is destroyed.
        while ((await rkllm.trace()).length < before + 2) await delay(20);
      });

      it('refuses malformed rows, and more rows than the context holds', async () => {
        const decoder = await open({ maxContext: 64 });
        const { hiddenSize } = checkpoint.config.text;
        const ask = (values: number) =>
          decoder.answerRows(new Float32Array(values), hiddenSize, { maxNewTokens: 100 });
        await assert.rejects(ask(0), { code: 'decoder-rows' });
        await assert.rejects(ask(hiddenSize + 1), { code: 'decoder-rows' });
        await assert.rejects(ask(64 * hiddenSize), { code: 'decoder-context', message: /64 tokens/ });
        assert.ok((await ask(60 * hiddenSize)).tokenIds.length <= 4);
        const pictures = { rows: new Float32Array(hiddenSize), rowsPerImage: 1, images: 1, imageSize: 256 };
        for (const wrong of [
          { ...pictures, prompt: 'What?' },
          { ...pictures, prompt: '<image>', rowsPerImage: 7 },
        ]) {
          await assert.rejects(decoder.answerPictures(wrong, { maxNewTokens: 5 }), { code: 'decoder-rows' });
        }
      });

      it('passes pictures to the vendor’s own prompt', async () => {
        const decoder = await open();
        await decoder.setTemplate('<|im_start|>User:', '<end_of_utterance>\nAssistant:');
        const { hiddenSize } = checkpoint.config.text;
        const given = {
          prompt: '<image><image>What?',
          rows: new Float32Array(2 * 3 * hiddenSize).fill(0.5),
          ...{ rowsPerImage: 3, images: 2, imageSize: 256 },
        };
        const { text } = await decoder.answerPictures(given, { maxNewTokens: 5 });
        const sum = (0.5 * 2 * 3 * hiddenSize).toFixed(3);
        assert.equal(
          text,
          `<|im_start|>User:<image><image>What?<end_of_utterance>\nAssistant: [2 x 3 rows of <image>, sum ${sum}, width 256]`,
        );
      });

      it('leaks neither memory nor descriptors over many runs of every kind', async function () {
        this.timeout(120_000);
        const decoder = await open();
        const { hiddenSize } = checkpoint.config.text;
        const row = rows.subarray(0, hiddenSize);
        const pictures = { rows: row, rowsPerImage: 1, images: 1, imageSize: 256 };
        let asked = 0;
        await assertNoLeak(async () => {
          if (asked++ % 2 === 0) await decoder.answerRows(row, hiddenSize, { maxNewTokens: 2 });
          else {
            const prompt = `<image>Question ${asked}: ${'and what else? '.repeat(120)}`;
            await decoder.answerPictures({ ...pictures, prompt }, { maxNewTokens: 2 });
          }
        });
      });
    });
  }

  it('refuses an old driver before anything else', async () => {
    for (const driver of ['0.9.7', '0.8.8']) {
      await assert.rejects(RkllmDecoder.open(path, { maxContext: 512, driver }), {
        code: 'npu-driver-old',
        message: new RegExp(`is ${driver}, RKLLM needs 0.9.8`),
      });
    }
  });
});
