import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { visionGraphShape } from '../../../src/convert/bundle/bundle-build';
import {
  type BuildJob,
  type Toolkit,
  ToolkitWorker,
  workerScript,
} from '../../../src/convert/toolkit/toolkit-worker';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { demoModelFolder } from '../../../src/model/hub/resolve-model';
import { npuVisionStage } from '../../../src/onnx/vision/npu-vision-stage';
import { visionStages } from '../../../src/onnx/vision/vision-stages';
import { writeModel } from '../../../src/onnx/write-model';
import { useTempFolder } from '../../temp-folder';
import { testToolkit } from './test-toolkit';

/** A job for a missing graph. */
function nothing(folder: string): BuildJob {
  const onnx = join(folder, 'none.onnx');
  return { model: 'none', onnx, output: join(folder, 'none.rknn'), target: 'rk3588', calibration: [] };
}

describe('ToolkitWorker', function () {
  this.timeout(300_000);
  const temp = useTempFolder();
  let toolkit: Toolkit;
  before(async () => {
    toolkit = await testToolkit();
  });

  it('reports a worker that crashes, naming the log', async () => {
    const folder = temp();
    await using worker = await ToolkitWorker.start({ toolkit, logFile: join(folder, 'log') });
    const job = worker.build(nothing(folder));
    process.kill(worker.pid!, 'SIGKILL');
    await assert.rejects(job, { code: 'toolkit-worker-lost', message: /SIGKILL/ });
  });

  it('passes on the toolkit’s message about an unreadable graph, and continues to work', async () => {
    const folder = temp();
    await using worker = await ToolkitWorker.start({ toolkit, logFile: join(folder, 'log') });
    for (const _ of [1, 2]) {
      await assert.rejects(worker.build(nothing(folder)), { code: 'toolkit-failed', message: /none\.onnx/ });
    }
  });

  it('does not always write the same bytes for the same graph, but they compute the same', async () => {
    const checkpoint = await openCheckpoint(demoModelFolder);
    try {
      const plan = visionStages(12, 'half-layer').find(({ name }) => name === 'l3_mlp')!;
      const shape = visionGraphShape(checkpoint.config);
      const tower = { residualScale: 0.1, queryRows: 32, shape, source: checkpoint.tensors };
      const graph = async (name: string): Promise<Buffer> => {
        await writeModel(npuVisionStage(plan.name, plan.halves, shape, tower.source, tower), temp(name));
        return Buffer.concat([readFileSync(temp(name)), readFileSync(temp(`${name}.data`))]);
      };
      // The data's name is in the graph.
      const first = await graph('l3_mlp.onnx');
      assert.ok(first.equals(await graph('l3_mlp.onnx')), 'the graph is the same to the byte');
      const input = Float32Array.from({ length: shape.tokens * shape.hidden }, (_, index) => Math.sin(index));
      const built: { bytes: Buffer; output: Float32Array }[] = [];
      await using worker = await ToolkitWorker.start({ toolkit, logFile: temp('log') });
      const isSame = (): boolean => built.every(({ bytes }) => bytes.equals(built[0]?.bytes ?? bytes));
      // Half of the builds, or more, write the same bytes.
      for (let count = 0; count < 3 || (count < 40 && isSame()); count++) {
        const model = `m${count}`;
        const output = temp(`${model}.rknn`);
        const job = { model, onnx: temp('l3_mlp.onnx'), output, target: 'rk3588', calibration: [] } as const;
        await worker.build(job);
        built.push({
          bytes: readFileSync(output),
          output: await worker.simulate(model, input, [1, shape.tokens, shape.hidden]),
        });
      }
      const [a, ...others] = built as [(typeof built)[0], ...typeof built];
      for (const other of others) {
        assert.equal(other.bytes.length, a.bytes.length);
        assert.deepEqual(other.output, a.output);
      }
      // So a shard that a resumed conversion builds again is not the one that would have been built without a stop.
      assert.ok(!isSame(), 'the toolkit has become deterministic: compare resumed shards by their bytes');
    } finally {
      await checkpoint.close();
    }
  });

  it('refuses another version of the toolkit', async () => {
    const script = temp('old.py');
    await writeFile(
      script,
      'import os, sys\nos.write(4, b\'{"event":"ready","toolkit":"2.2.0","python":"3.11"}\\n\')\nsys.stdin.read()\nos.read(3, 1)\n',
    );
    const started = ToolkitWorker.start({ toolkit, logFile: temp('log'), script });
    await assert.rejects(started, {
      code: 'toolkit-version',
      message: /expected .* 2\.3\.2, found 2\.2\.0/,
      hint: /2\.3\.2 and 2\.5\.0/,
    });
  });

  it('reports a line that is not an event, instead of crashing the conversion', async () => {
    const script = temp('noise.py');
    await writeFile(script, "import os\nos.write(4, b'Segmentation fault\\n')\nos.read(3, 1)\n");
    const started = ToolkitWorker.start({ toolkit, logFile: temp('log'), script });
    await assert.rejects(started, {
      code: 'toolkit-worker-lost',
      message: /not an event: Segmentation fault/,
    });
  });

  it('does not miss a worker that is ready at once', async () => {
    const script = temp('quick');
    await writeFile(script, `echo '{"event":"ready","toolkit":"2.3.2"}' >&4; read line <&3`);
    for (let n = 0; n < 20; n++) {
      const worker = await ToolkitWorker.start({
        toolkit: { ...toolkit, python: 'sh' },
        logFile: temp('log'),
        script,
      });
      await worker[Symbol.asyncDispose]();
    }
  });

  it('leaves no files behind, even when it is killed', async () => {
    // A separate temporary folder: other conversions on this machine use the default one.
    const usual = process.env.TMPDIR;
    process.env.TMPDIR = temp();
    try {
      const folders = async (): Promise<string[]> =>
        (await readdir(temp())).filter((name) => name.startsWith('smolvlm-toolkit-'));
      const worker = await ToolkitWorker.start({ toolkit, logFile: temp('log') });
      assert.equal((await folders()).length, 1);
      await worker[Symbol.asyncDispose]();
      assert.deepEqual(await folders(), []);
    } finally {
      if (usual === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = usual;
    }
  });

  it('started by hand, removes nothing from its working folder', async () => {
    await writeFile(temp('mine'), 'x');
    const script = `cd "$1" && exec "$2" "$3" 3</dev/null 4>/dev/null`;
    await promisify(execFile)('sh', ['-c', script, 'sh', temp(), toolkit.python, workerScript]);
    assert.deepEqual(await readdir(temp()), ['mine']);
  });

  it('names a missing interpreter', async () => {
    const folder = temp();
    const missing = join(folder, 'no-python');
    const started = ToolkitWorker.start({
      toolkit: { ...toolkit, python: missing },
      logFile: join(folder, 'log'),
    });
    await assert.rejects(started, { code: 'toolkit-worker-lost', message: /no-python/ });
  });
});
