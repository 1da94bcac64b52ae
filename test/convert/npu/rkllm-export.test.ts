import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { exportRkllm } from '../../../src/convert/npu/rkllm-export';
import { useTempFolder } from '../../temp-folder';

/** The vendor's package has no public source: a stand-in with the same functions, which records its calls. */
const standIn = `
import json, os
calls = []
class RKLLM:
    def load_huggingface(self, **given):
        calls.append(["load_huggingface", given]); return 0
    def build(self, **given):
        given["dataset"] = json.load(open(given["dataset"]))
        calls.append(["build", given]); return int(os.environ.get("RKLLM_BUILD_STATUS", "0"))
    def export_rkllm(self, path):
        with open(path, "wb") as f: f.write(b"RKLLM")
        with open(path + ".calls", "w") as f: json.dump(calls, f)
        return 0
`;

describe('exportRkllm', () => {
  const temp = useTempFolder();

  /** An interpreter with or without the stand-in in its environment. */
  async function python(environment: string): Promise<string> {
    await mkdir(temp('packages', 'rkllm'), { recursive: true });
    await writeFile(temp('packages', 'rkllm', '__init__.py'), '');
    await writeFile(temp('packages', 'rkllm', 'api.py'), standIn);
    await writeFile(temp('python'), `#!/bin/sh\n${environment} exec python3 "$@"\n`);
    await chmod(temp('python'), 0o755);
    return temp('python');
  }

  const options = {
    target: 'rk3588',
    get logFile() {
      return temp('log');
    },
  } as const;

  it('runs the vendor’s toolkit and calibrates with captioning questions', async () => {
    const interpreter = await python(`PYTHONPATH=${temp('packages')}`);
    const part = await exportRkllm('/models/smolvlm', temp(), { ...options, python: interpreter });
    assert.deepEqual([part?.entry.format, part?.entry.precision], ['rkllm', 'int8']);
    assert.equal(part?.files[0]?.sizeBytes, 5);
    const [load, build] = JSON.parse(await readFile(temp('decoder.rkllm.calls'), 'utf8'));
    assert.deepEqual(load, ['load_huggingface', { model: '/models/smolvlm', device: 'cpu' }]);
    assert.deepEqual(
      [build[1].target_platform, build[1].num_npu_core, build[1].quantized_dtype, build[1].max_context % 32],
      ['rk3588', 3, 'w8a8', 0],
    );
    assert.ok(build[1].dataset.length >= 20);
    for (const { input, target } of build[1].dataset) {
      assert.match(input, /^<\|im_start\|>User:.+<end_of_utterance>\nAssistant:$/);
      assert.match(target, /<end_of_utterance>$/);
    }
  });

  it('is skipped if the toolkit is not installed', async () => {
    const interpreter = await python('PYTHONPATH=');
    assert.equal(await exportRkllm('/m', temp(), { ...options, python: interpreter }), undefined);
  });

  it('reports which step failed, and leaves no file', async () => {
    const interpreter = await python(`RKLLM_BUILD_STATUS=-1 PYTHONPATH=${temp('packages')}`);
    await assert.rejects(exportRkllm('/m', temp(), { ...options, python: interpreter }), {
      code: 'rkllm-failed',
      message: /build returned -1/,
    });
    assert.ok(!(await readdir(temp())).includes('decoder.rkllm'));
  });

  it('reports a missing interpreter', async () => {
    await assert.rejects(exportRkllm('/m', temp(), { ...options, python: temp('none') }), {
      code: 'rkllm-failed',
      message: /ENOENT/,
    });
  });
});
