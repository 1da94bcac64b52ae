import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { visionGraphShape } from '../../../src/convert/bundle/bundle-build';
import { agreement } from '../../../src/convert/npu/agreement';
import { buildNpuStage, inputOf, type NpuTower, outputOf } from '../../../src/convert/npu/npu-stage-build';
import { npy } from '../../../src/convert/npu/npy';
import { ToolkitWorker, workerScript } from '../../../src/convert/toolkit/toolkit-worker';
import { rknnToolkits } from '../../../src/model/bundle/rknn-toolkits';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { visionStages } from '../../../src/onnx/vision/vision-stages';
import { defaultToolkit, toolkitVersions } from '../../../src/protocol/models/conversion-choices';
import { useTempFolder } from '../../temp-folder';
import { goldenCheckpoint, goldenReference } from '../golden-reference';
import { testToolkit } from '../toolkit/test-toolkit';

/** Prints every fusion rule of the toolkit. @param argv[1] the folder of the stand-in for PyTorch */
const printRules = `
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import torch_stand_in
torch_stand_in.install()
import rknn.api
import rknn.api.rules as rules
for found in pkgutil.iter_modules(rules.__path__):
    module = importlib.import_module("rknn.api.rules." + found.name)
    for registry in vars(module).values():
        if isinstance(registry, dict):
            print(*(name for name in registry if isinstance(name, str)), sep="\\n")
`;

for (const version of toolkitVersions) {
  describe(`rknn-toolkit2 ${version}`, function () {
    this.timeout(600_000);
    const temp = useTempFolder();

    it('has all the fusion rules that are disabled, since it ignores unknown ones silently', async () => {
      const { python } = await testToolkit(version);
      const { stdout } = await promisify(execFile)(python, ['-c', printRules, dirname(workerScript)], {
        cwd: temp(),
      });
      const known = new Set(stdout.split('\n'));
      for (const rule of rknnToolkits[version].disabledRules) assert.ok(known.has(rule), rule);
    });

    // The default one converts the whole tower in npu-stages.test.ts.
    if (version === defaultToolkit) return;
    it('builds both kinds of shard in fp16 and INT8, and its simulator agrees with the goldens', async () => {
      const checkpoint = await openCheckpoint(goldenCheckpoint);
      const reference = await goldenReference(temp('golden.safetensors'));
      try {
        const residualScale = 0.1;
        const shape = visionGraphShape(checkpoint.config);
        const size = [1, shape.tokens, shape.hidden];
        const scaled = async (name: string) => (await reference.read(name)).map((x) => x * residualScale);
        const tower: NpuTower = {
          target: 'rk3588',
          queryRows: 128,
          residualScale,
          shape,
          source: checkpoint.tensors,
          // The toolkit takes a space for the end of a path.
          calibration: (name) => [temp(`${name} of a frame.npy`)],
        };
        const toolkit = await testToolkit(version);
        await using worker = await ToolkitWorker.start({ toolkit, logFile: temp('log') });
        for (const plan of visionStages(shape.layers, 'half-layer').slice(4, 6)) {
          const input = await scaled(inputOf(plan));
          await writeFile(temp(`${inputOf(plan)} of a frame.npy`), npy(input, size));
          for (const [precision, least] of [
            ['fp16', 0.9999],
            ['int8', 0.999],
          ] as const) {
            const path = temp(`${plan.name}.${precision}.rknn`);
            const { model } = await buildNpuStage(worker, plan, precision, tower, path);
            const output = await worker.simulate(model, input, size);
            const { cosine } = agreement(output, await scaled(outputOf(plan)));
            assert.ok(cosine >= least, `${plan.name} in ${precision}: cosine ${cosine}`);
          }
        }
      } finally {
        await reference.close();
        await checkpoint.close();
      }
    });
  });
}
