import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { repositoryRoot } from '../fixtures';

const modulePath = join(repositoryRoot, 'dist', 'src', 'system', 'no-telemetry.js');
const call = `require(${JSON.stringify(modulePath)}).disableTelemetry()`;

function without(name: string): NodeJS.ProcessEnv {
  const { [name]: _, ...others } = process.env;
  return others;
}

describe('disableTelemetry', () => {
  it('sets the variable for native code and for every process that is started afterwards', () => {
    const script = `${call}; process.stdout.write(require('child_process').execFileSync('printenv', ['ORT_DISABLE_TELEMETRY']))`;
    const env = { ...without('ORT_DISABLE_TELEMETRY') };
    assert.equal(execFileSync(process.execPath, ['-e', script], { env, encoding: 'utf8' }), '1\n');
  });

  it('also when the environment says otherwise', () => {
    const script = `${call}; process.stdout.write(process.env.ORT_DISABLE_TELEMETRY)`;
    const env = { ...process.env, ORT_DISABLE_TELEMETRY: '0' };
    assert.equal(execFileSync(process.execPath, ['-e', script], { env, encoding: 'utf8' }), '1');
  });

  it('refuses a worker thread whose main thread has not called it, where it would have no effect', async () => {
    const worker = new Worker(call, { eval: true, env: without('ORT_DISABLE_TELEMETRY') });
    const [error] = await once(worker, 'error');
    assert.match(error.message, /must be called in the main thread/);
    const allowed = new Worker(call, { eval: true, env: { ORT_DISABLE_TELEMETRY: '1' } });
    assert.deepEqual(await once(allowed, 'exit'), [0]);
  });
});
