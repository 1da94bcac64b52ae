import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { visionGraphShape } from '../../src/convert/cpu-bundle';
import { prepareToolkitEnvironment } from '../../src/convert/toolkit-environment';
import { ToolkitWorker, toolkitVersion } from '../../src/convert/toolkit-worker';
import { readModelConfigs } from '../../src/model/checkpoint';
import { npuVisionStage } from '../../src/onnx/npu-vision-stage';
import { writeModel } from '../../src/onnx/write-model';
import { fixture } from '../fixtures';
import { cosine } from '../onnx/run-graph';
import { readSafetensorsFixture } from '../safetensors-fixture';
import { useTempFolder } from '../temp-folder';

const tiny = fixture('goldens', 'tiny-idefics3');

/** Kept between runs: making it takes half a minute. */
const environment = join(homedir(), '.cache', 'smolvlm-test', `rknn-toolkit2-${toolkitVersion}`);

describe('ToolkitWorker', function () {
  this.timeout(300_000);
  const temp = useTempFolder();
  let python: string;
  before(async () => {
    python = await prepareToolkitEnvironment(environment, 'python3');
  });

  for (const [half, input] of [
    ['attn', 'embeddings'],
    ['mlp', 'l0_attn'],
  ] as const) {
    it(`converts the golden checkpoint's l0_${half} to a .rknn that simulates as the goldens say`, async () => {
      const folder = temp();
      const tensors = readSafetensorsFixture(join(tiny, 'model.safetensors'));
      const activations = readSafetensorsFixture(join(tiny, 'activations.safetensors'));
      const shape = visionGraphShape((await readModelConfigs(tiny)).config);
      const options = { residualScale: 0.1, queryRows: 128 };
      const graph = npuVisionStage(`l0_${half}`, [{ layer: 0, half }], shape, tensors, options);
      const onnx = join(folder, 'stage.onnx');
      await writeModel(graph, onnx);
      const tile = shape.tokens * shape.hidden;
      const stream = (await activations.read(input)).subarray(0, tile).map((value) => value * 0.1);
      await writeFile(join(folder, 'in.raw'), new Uint8Array(stream.buffer));
      await using worker = await ToolkitWorker.start({ python, logFile: join(folder, 'log') });
      await worker.run({
        onnx,
        output: join(folder, 'stage.rknn'),
        target: 'rk3588',
        quantize: false,
        calibration: [],
        inputs: [join(folder, 'in.raw')],
        outputs: [join(folder, 'out.raw')],
        shape: [1, shape.tokens, shape.hidden],
      });
      assert.equal((await readFile(join(folder, 'stage.rknn'))).subarray(0, 4).toString(), 'RKNN');
      assert.ok((await stat(join(folder, 'stage.rknn'))).size > 100_000);
      const out = new Float32Array(Uint8Array.from(await readFile(join(folder, 'out.raw'))).buffer);
      const expected = (await activations.read(`l0_${half}`)).subarray(0, tile);
      const angle = cosine(out, expected);
      assert.ok(angle >= 0.9995, `cosine ${angle}`);
    });
  }

  it('says when a worker dies, naming the log', async () => {
    const folder = temp();
    await using worker = await ToolkitWorker.start({ python, logFile: join(folder, 'log') });
    const job = worker.run({
      onnx: join(folder, 'none.onnx'),
      output: join(folder, 'none.rknn'),
      target: 'rk3588',
      quantize: false,
      calibration: [],
      inputs: [],
      outputs: [],
      shape: [1, 1, 1],
    });
    process.kill(worker.pid!, 'SIGKILL');
    await assert.rejects(job, { code: 'toolkit-worker-lost', message: /SIGKILL/ });
  });

  it('names an interpreter that is not there', async () => {
    const folder = temp();
    const missing = join(folder, 'no-python');
    const started = ToolkitWorker.start({ python: missing, logFile: join(folder, 'log') });
    await assert.rejects(started, { code: 'toolkit-worker-lost', message: /no-python/ });
  });
});
