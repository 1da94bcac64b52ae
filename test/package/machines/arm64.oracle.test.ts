import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildEmulator } from '../../../src/cli/bench/emulator/build-emulator';
import { openCaptioner } from '../../../src/inference/captioner';
import { demoFrame, fixture } from '../../fixtures';
import { EmulatedBundle } from '../../inference/npu/emulated-bundle';
import { NodeRedProcess } from '../node-red-process';
import { packedPackage, useSuiteFolder } from '../packed-package';
import { programOf, thisRuntime } from '../test-runtimes';
import { answersOf, type CaptionJob, type JobAnswers } from './arm64-captions';
import { Arm64Machine, type Arm64Processor, missingForArm64 } from './arm64-machine';

const captions = join(__dirname, 'arm64-captions.js');

interface Expected {
  readonly frame: string;
  readonly prompt: string;
  readonly ids: readonly number[];
  readonly text: string;
}

const expected: readonly Expected[] = JSON.parse(readFileSync(demoFrame('expected.json'), 'utf8'));
/** One question about each frame: to describe it. */
const described = expected.filter(({ prompt }) => prompt === 'Describe this image.');
const golden = JSON.parse(readFileSync(fixture('goldens/tiny-idefics3/expected.json'), 'utf8'));

/** Of the first token's log probability. Kernels with and without integer activations differ by 0.056 in int4. */
const largestDifference = 0.1;

function demoJob(precision: CaptionJob['precision'], frames = described): CaptionJob {
  const pictures = frames.map(({ frame, prompt }) => ({ file: demoFrame(frame), prompt }));
  return { model: 'demo', ...(precision && { precision }), pictures };
}

describe('the package on emulated arm64 (needs QEMU and libstdc++)', function () {
  // Minutes on a machine that does nothing else.
  this.timeout(2_700_000);
  const folder = useSuiteFolder();
  let machine: Arm64Machine;

  before(async function () {
    const missing = missingForArm64();
    if (missing.length > 0) {
      console.log(`      needs ${missing.join(' and ')} (Debian)`);
      this.skip();
    }
    machine = await Arm64Machine.install(join(folder, 'arm64'), (await packedPackage()).file);
  });

  function run(processor: Arm64Processor, jobs: readonly CaptionJob[], environment?: NodeJS.ProcessEnv) {
    return machine.run<readonly JobAnswers[]>(processor, captions, jobs, environment);
  }

  for (const [processor, board, frames, quantised] of [
    ['cortex-a76', 'RK3588', described, ['int8', 'int4']],
    ['cortex-a72', 'Raspberry Pi 4', described, ['int8', 'int4']],
    ['neoverse-n1', 'a server', described.slice(0, 1), []],
  ] as const) {
    it(`describes ${frames.length === 1 ? 'a frame' : 'each frame'} as the reference in every precision on a ${processor} (${board})`, async () => {
      const precisions = ['float32', 'int8', 'int4'] as const;
      const results = await run(
        processor,
        precisions.map((precision) => demoJob(precision, frames)),
      );
      const reference = frames.map(({ ids, text }) => ({ text, tokenIds: ids }));
      for (const [index, precision] of precisions.entries()) {
        const { backend, arithmetic, answers } = results[index] ?? assert.fail();
        assert.equal(backend, `onnxruntime ${precision}`);
        assert.equal(arithmetic, undefined);
        assert.deepEqual(answers, reference, precision);
      }
    });

    it(`gives the golden checkpoint’s tokens on a ${processor}${quantised.length > 0 ? ', and in int8 and int4 this machine’s' : ''}`, async () => {
      const model = fixture('goldens/tiny-idefics3');
      const picture = { file: join(model, golden.image), prompt: golden.prompt };
      const whole = { ...picture, detail: 'full', maxNewTokens: 24 } as const;
      // Its words are random, and the third is a tie in int8: two of one tile are enough to tell other arithmetic.
      const short = { ...picture, detail: 'low', maxNewTokens: 2, answer: { topLogprobs: 1 } } as const;
      const jobs = quantised.map((precision) => ({ model, precision, pictures: [short] }));
      const [float32, ...there] = await run(processor, [
        { model, precision: 'float32', pictures: [whole] },
        ...jobs,
      ]);
      assert.deepEqual(float32?.answers[0]?.tokenIds, golden.greedy_ids);
      for (const [index, job] of jobs.entries()) {
        const [here = assert.fail()] = (await answersOf(openCaptioner, job)).answers;
        const [answer = assert.fail()] = there[index]?.answers ?? [];
        assert.equal(there[index]?.backend, `onnxruntime ${job.precision}`);
        assert.deepEqual(answer.tokenIds, here.tokenIds, job.precision);
        const [logprob = assert.fail()] = here.logprobs ?? [];
        const difference = Math.abs(logprob - (answer.logprobs?.[0] ?? Number.NaN));
        assert.ok(difference < largestDifference, `${job.precision}: ${difference}`);
      }
    });
  }

  it('detects the int8 products that onnxruntime computes wrongly with SME, and describes a frame right', async () => {
    const [result] = await run('max', [demoJob('int8', described.slice(0, 1))]);
    assert.equal(result?.answers[0]?.text, described[0]?.text);
    // QEMU before 7.1 and an onnxruntime that is mended have nothing to detect.
    const { checks } = JSON.parse(await machine.command('max', ['doctor', '--json'])) as {
      checks: readonly { id: string; state: string; value: string }[];
    };
    const check = checks.find(({ id }) => id === 'cpu-products');
    assert.equal(check?.state, result?.arithmetic === undefined ? 'ok' : 'warn');
    if (result?.arithmetic !== undefined) assert.equal(check?.value, result.arithmetic);
  });

  it('describes frames with the emulated NPU', async () => {
    const library = await buildEmulator('rknn', { compiler: 'aarch64-linux-gnu-gcc' });
    const bundle = await EmulatedBundle.create();
    try {
      const environment = { SMOLVLM_RKNN_LIBRARY: library, SMOLVLM_NPU_CORES: '3' };
      const job = { ...demoJob(undefined, described.slice(0, 2)), model: bundle.dir };
      const [result] = await run('cortex-a76', [job], environment);
      assert.equal(result?.backend, 'rknn fp16 + onnxruntime int8');
      assert.deepEqual(
        result?.answers.map(({ text }) => text),
        described.slice(0, 2).map(({ text }) => text),
      );
    } finally {
      await bundle.remove();
    }
  });

  it('describes a frame in a flow of Node-RED', async () => {
    const { red } = await programOf(thisRuntime);
    const program = { node: machine.node('cortex-a76'), red, sayMs: 300_000 };
    const nodeRed = await NodeRedProcess.start(program, machine.dir);
    try {
      await nodeRed.deploy(captionFlow);
      const [{ frame, text } = assert.fail()] = described;
      const response = await fetch(`${nodeRed.url}/caption`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: readFileSync(demoFrame(frame)),
      });
      assert.equal(await response.text(), text, nodeRed.log);
    } finally {
      await nodeRed.stop();
    }
  });
});

/** `POST /caption` → smolvlm-caption with an engine on this machine → the caption, or the error. */
const captionFlow = [
  { id: 'tab', type: 'tab', label: 'caption' },
  { id: 'engine', type: 'smolvlm-engine', location: 'local', model: 'demo', idle: '1' },
  onTab('in', 'http in', 'caption', { url: '/caption', method: 'post' }),
  onTab('caption', 'smolvlm-caption', 'answer', { engine: 'engine' }),
  onTab('catch', 'catch', 'fault', {}),
  onTab('fault', 'change', 'answer', {
    rules: [
      { t: 'set', p: 'payload', pt: 'msg', to: 'error.message', tot: 'msg' },
      { t: 'set', p: 'statusCode', pt: 'msg', to: '500', tot: 'num' },
    ],
  }),
  onTab('answer', 'http response', undefined, {}),
];

function onTab(id: string, type: string, to: string | undefined, fields: object): object {
  return { id, type, z: 'tab', x: 100, y: 100, wires: [to === undefined ? [] : [to]], ...fields };
}
