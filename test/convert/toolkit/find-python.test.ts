import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { checkMachine, findPython } from '../../../src/convert/toolkit/find-python';
import { useTempFolder } from '../../temp-folder';

describe('findPython', () => {
  const temp = useTempFolder();

  /** An interpreter that reports the given properties. */
  async function pretend(name: string, answer: Record<string, unknown>): Promise<string> {
    const told = { machine: 'x86_64', system: 'Linux', venv: true, toolkit: null, ...answer };
    await writeFile(temp(name), `#!/bin/sh\necho '${JSON.stringify(told)}'\n`);
    await chmod(temp(name), 0o755);
    return temp(name);
  }

  it('chooses the first suitable one', async () => {
    const old = await pretend('python3.7', { version: '3.7.17' });
    const none = temp('not-there');
    const good = await pretend('python3.12', { version: '3.12.1' });
    assert.deepEqual(await findPython(undefined, [none, old, good]), { command: good, version: '3.12.1' });
  });

  it('reports for each why it is not suitable', async () => {
    const names = [
      await pretend('new', { version: '3.13.0' }),
      await pretend('arm', { version: '3.11.2', machine: 'aarch64' }),
      await pretend('bare', { version: '3.11.2', venv: false }),
      temp('none'),
    ];
    await assert.rejects(findPython(undefined, names), {
      code: 'convert-python',
      message:
        /new: is Python 3\.13\.0; .*arm: is built for Linux on aarch64; .*bare: lacks the venv .*none: not found/,
      hint: /python3-venv.*SMOLVLM_CONVERT_PYTHON/,
    });
  });

  it('uses only the given one', async () => {
    const asked = await pretend('asked', { version: '2.7.18' });
    const good = await pretend('good', { version: '3.11.2' });
    await assert.rejects(findPython(asked, [good]), {
      code: 'convert-python',
      message: /asked: is Python 2\.7/,
    });
  });

  it('finds a toolkit that is installed there', async () => {
    const asked = await pretend('env', { version: '3.10.1', venv: false, toolkit: '2.5.0' });
    assert.equal((await findPython(asked)).toolkit, '2.5.0');
  });

  it('refuses machines that cannot convert', () => {
    assert.throws(() => checkMachine('linux', 'arm64'), { code: 'convert-machine', hint: /on a PC/ });
    assert.throws(() => checkMachine('darwin', 'x64'), { code: 'convert-machine', message: /darwin/ });
  });
});
