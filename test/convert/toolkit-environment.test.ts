import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import {
  findToolkit,
  prepareToolkitEnvironment,
  type SetUpStep,
} from '../../src/convert/toolkit-environment';
import { useTempFolder } from '../temp-folder';

describe('prepareToolkitEnvironment', () => {
  const temp = useTempFolder();

  /** A Python whose `-m venv DIR` puts itself into DIR, and whose `-m pip` does what is given. */
  async function pretend(pip: string): Promise<string> {
    const answer = '{"version":"3.11.2","machine":"x86_64","system":"Linux","venv":true,"toolkit":null}';
    const script = `#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo made >> "${temp('venvs')}";;
  "-m pip") ${pip};;
  *) echo '${answer}';;
esac
`;
    await writeFile(temp('python'), script);
    await chmod(temp('python'), 0o755);
    return temp('python');
  }

  it('shows each package, and makes the environment once for all who ask', async () => {
    const python = await pretend('echo Collecting onnx==1.18.0; echo Collecting scipy==1.17.1; sleep 0.3');
    const steps: SetUpStep[] = [];
    const onProgress = (step: SetUpStep): void => void steps.push(step);
    const both = [1, 2].map(() => prepareToolkitEnvironment(temp('env'), { python, onProgress }));
    assert.deepEqual(await Promise.all(both), [temp('env/bin/python'), temp('env/bin/python')]);
    const told = steps.map(({ step }) => step);
    assert.deepEqual(
      told.filter((step) => step.startsWith('fetching')),
      ['fetching onnx', 'fetching scipy'],
    );
    assert.equal(told.filter((step) => step.includes('virtual environment')).length, 1);
    assert.equal(await findToolkit(python, temp('env')), temp('env/bin/python'));
  });

  it('tells pip’s last words when it fails, and leaves nothing half made', async () => {
    const python = await pretend('echo "ERROR: No space left on device" >&2; exit 1');
    await assert.rejects(prepareToolkitEnvironment(temp('env'), { python }), {
      code: 'toolkit-set-up',
      message: /No space left on device/,
    });
    assert.ok(!existsSync(temp('env')));
    await assert.rejects(findToolkit(python, temp('env')), { code: 'toolkit-missing', hint: /--setup/ });
  });

  it('is interrupted at once, and leaves nothing half made', async () => {
    const python = await pretend('exec sleep 60');
    const abort = new AbortController();
    const setUp = prepareToolkitEnvironment(temp('env'), {
      python,
      signal: abort.signal,
      onProgress: () => setTimeout(() => abort.abort(new Error('enough')), 200),
    });
    await assert.rejects(setUp, /enough/);
    assert.ok(!existsSync(temp('env')));
  });
});
