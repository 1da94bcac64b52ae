import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, lstat, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  findToolkit,
  prepareToolkitEnvironment,
  type SetUpStep,
  toolkitFolder,
} from '../../../src/convert/toolkit/toolkit-environment';
import type { SmolvlmError } from '../../../src/errors';
import { defaultToolkit, toolkitVersions } from '../../../src/protocol/models/conversion-choices';
import { setEnvironment } from '../../environment';
import { useTempFolder } from '../../temp-folder';
import { testToolkit, testToolkitFolder } from './test-toolkit';

describe('prepareToolkitEnvironment', () => {
  const temp = useTempFolder();

  /** The worker's answer in a working environment. */
  const works = `echo '{"event":"ready","toolkit":"${defaultToolkit}"}' >&4; cat <&3 >&-`;

  const made = () => ({ python: temp('env/bin/python'), version: defaultToolkit });

  /**
   * A Python whose `-m venv DIR` copies itself into DIR, whose `-m pip` runs the given script, and which answers like a
   * worker when it is started as one.
   */
  async function pretend(pip: string, worker = works, toolkit: string | null = null): Promise<string> {
    const told = { version: '3.11.2', machine: 'x86_64', system: 'Linux', venv: true, toolkit };
    const answer = JSON.stringify(told);
    const script = `#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo made >> "${temp('venvs')}";;
  "-m pip") ${pip};;
  *convert_worker.py*) ${worker};;
  *) echo '${answer}';;
esac
`;
    await writeFile(temp('python'), script);
    await chmod(temp('python'), 0o755);
    return temp('python');
  }

  it('reports each package, and makes the environment once for all callers', async () => {
    const python = await pretend('echo Collecting onnx==1.18.0; echo Collecting scipy==1.17.1; sleep 0.3');
    const steps: SetUpStep[] = [];
    const onProgress = (step: SetUpStep): void => void steps.push(step);
    const both = [1, 2].map(() => prepareToolkitEnvironment({ python, dir: temp('env'), onProgress }));
    assert.deepEqual(await Promise.all(both), [made(), made()]);
    const told = steps.map(({ step }) => step);
    assert.deepEqual(
      told.filter((step) => step.startsWith('fetching')),
      ['fetching onnx', 'fetching scipy'],
    );
    assert.equal(told.filter((step) => step.includes('virtual environment')).length, 1);
    assert.deepEqual(await findToolkit({ python, dir: temp('env') }), made());
  });

  it('makes its own if the Python on the PATH has another release of the toolkit', async () => {
    const python = await pretend('true', works, '2.2.0');
    await assert.rejects(findToolkit({ python, dir: temp('env') }), {
      code: 'toolkit-version',
      message: /expected rknn-toolkit2 2\.3\.2, found 2\.2\.0/,
      hint: /--setup/,
    });
    assert.deepEqual(await prepareToolkitEnvironment({ python, dir: temp('env') }), made());
    assert.deepEqual(await findToolkit({ dir: temp('env') }), made());
  });

  it('uses a given interpreter with the supported release it has, unless another one is requested', async () => {
    const python = await pretend('true', works, '2.5.0');
    assert.deepEqual(await findToolkit({ python, dir: temp('env') }), { python, version: '2.5.0' });
    assert.deepEqual(await prepareToolkitEnvironment({ python, dir: temp('env') }), {
      python,
      version: '2.5.0',
    });
    await assert.rejects(findToolkit({ python, version: '2.3.2', dir: temp('env') }), {
      code: 'toolkit-version',
      message: /expected rknn-toolkit2 2\.3\.2, found 2\.5\.0/,
      hint: /2\.3\.2 and 2\.5\.0/,
    });
  });

  it('installs one release, and does not confuse its folder with that of another', async () => {
    const python = await pretend(`echo "$@" > "${temp('pip')}"`);
    await prepareToolkitEnvironment({ python, dir: temp('env') });
    assert.match(await readFile(temp('pip'), 'utf8'), new RegExp(`rknn-toolkit2==${defaultToolkit}`));
    assert.equal(
      new Set(toolkitVersions.map((version) => toolkitFolder(version))).size,
      toolkitVersions.length,
    );
    await assert.rejects(findToolkit({ python, version: '2.5.0', dir: temp('env') }), {
      code: 'toolkit-missing',
      hint: /--setup --toolkit 2\.5\.0/,
    });
  });

  it('makes the environment again if its Python has been removed', async () => {
    const python = await pretend('true');
    await prepareToolkitEnvironment({ python, dir: temp('env') });
    await rm(temp('env/bin/python'));
    await assert.rejects(findToolkit({ python, dir: temp('env') }), { code: 'toolkit-missing' });
    await prepareToolkitEnvironment({ python, dir: temp('env') });
    assert.deepEqual(await findToolkit({ python, dir: temp('env') }), made());
  });

  it('is not ready before the toolkit loads', async () => {
    const python = await pretend(
      'true',
      `echo '{"event":"failed","id":null,"message":"rknn-toolkit2 does not load: libGL.so.1"}' >&4`,
    );
    await assert.rejects(prepareToolkitEnvironment({ python, dir: temp('env') }), {
      code: 'toolkit-set-up',
      message: /libGL\.so\.1/,
      hint: /system library/,
    });
    assert.ok(!existsSync(temp('env')));
  });

  it('reports pip’s last line when it fails, and leaves no partial environment', async () => {
    const python = await pretend('echo "ERROR: No space left on device" >&2; exit 1');
    await assert.rejects(prepareToolkitEnvironment({ python, dir: temp('env') }), {
      code: 'toolkit-set-up',
      message: /No space left on device/,
    });
    assert.ok(!existsSync(temp('env')));
    await assert.rejects(findToolkit({ python, dir: temp('env') }), {
      code: 'toolkit-missing',
      hint: /--setup/,
    });
  });

  it('names the package index when it cannot be reached, not the package that was not found', async () => {
    const python = await pretend(
      `echo "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionError('<pip.Connection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/numpy/" >&2
       echo "ERROR: No matching distribution found for numpy" >&2; exit 1`,
    );
    await assert.rejects(prepareToolkitEnvironment({ python, dir: temp('env') }), {
      code: 'toolkit-set-up',
      message: /cannot reach its package index: connection broken .*Connection refused/,
      hint: /pip config list/,
    });
  });

  it('gives neither Python nor pip the variables that would redirect them, and pip a folder for temporary files', async () => {
    const python = await pretend(`env >> "${temp('seen')}"`);
    const hostile = {
      PYTHONPATH: '/x',
      PYTHONHOME: '/x',
      PIP_TARGET: '/x',
      PIP_USER: '1',
      TMPDIR: '/nowhere',
    };
    const restore = setEnvironment(hostile);
    try {
      await prepareToolkitEnvironment({ python, dir: temp('env') });
    } finally {
      restore();
    }
    const seen = await readFile(temp('seen'), 'utf8');
    assert.doesNotMatch(seen, /^(?:PYTHONPATH|PYTHONHOME|PIP_TARGET|PIP_USER)=/m);
    assert.ok(seen.includes(`TMPDIR=${temp('env', 'tmp')}\n`));
    assert.ok(!existsSync(temp('env', 'tmp')));
  });

  it('says which settings of pip’s configuration files it leaves out', async () => {
    const python = await pretend(
      `[ "$3" = config ] && echo "install.target='/elsewhere'"; env >> "${temp('seen')}"`,
    );
    const steps: string[] = [];
    await prepareToolkitEnvironment({ python, dir: temp('env'), onProgress: ({ step }) => steps.push(step) });
    assert.ok(steps.includes("leaving out of pip's configuration: install.target"), steps.join());
    assert.match(await readFile(temp('seen'), 'utf8'), /^PIP_CONFIG_FILE=\/dev\/null$/m);
  });

  it('names a cache that cannot be written to', async function () {
    const python = await pretend('true');
    const dir = '/sys/smolvlm-cache/toolkit';
    await assert.rejects(prepareToolkitEnvironment({ python, dir }), (error: SmolvlmError) => {
      // Where /sys is not a read-only file system of the kernel's own, there is nothing to test.
      if (error.code !== 'folder-read-only') this.skip();
      assert.match(error.message, /^\/sys cannot be written to: E/);
      assert.match(error.hint ?? '', /SMOLVLM_CACHE/);
      return true;
    });
  });

  it('is interrupted at once, and leaves no partial environment', async () => {
    const python = await pretend('exec sleep 60');
    const abort = new AbortController();
    const setUp = prepareToolkitEnvironment({
      python,
      dir: temp('env'),
      signal: abort.signal,
      onProgress: () => setTimeout(() => abort.abort(new Error('enough')), 200),
    });
    await assert.rejects(setUp, /enough/);
    assert.ok(!existsSync(temp('env')));
  });
});

describe('the environment of the tests, a real one', function () {
  this.timeout(300_000);

  it('takes less than 1 GB', async () => {
    await testToolkit();
    // By file, since lib64 is a link to lib.
    const files = new Map<number, number>();
    for (const name of await readdir(testToolkitFolder(), { recursive: true })) {
      const { ino, blocks } = await lstat(join(testToolkitFolder(), name));
      files.set(ino, blocks * 512);
    }
    const bytes = [...files.values()].reduce((sum, size) => sum + size, 0);
    assert.ok(bytes > 1e8 && bytes < 1e9, `${bytes} bytes`);
  });
});
