import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineClient } from '../../src/client/engine-client';
import { demoFrame, repositoryRoot } from '../fixtures';
import { useTempFolder } from '../temp-folder';

describe('an engine that ends abruptly', function () {
  this.timeout(60_000);
  const temp = useTempFolder();
  let engine: ChildProcess | undefined;
  let client: EngineClient | undefined;
  afterEach(async () => {
    engine?.kill('SIGKILL');
    await client?.close();
  });

  /** @param onSignal JavaScript that runs in the engine at SIGUSR2 */
  async function start(
    onSignal: string,
    nodeArgs: readonly string[],
    ...args: string[]
  ): Promise<ChildProcess> {
    const preload = temp('preload.cjs');
    writeFileSync(preload, `process.on('SIGUSR2', () => { ${onSignal} });`);
    const socket = temp('engine.sock');
    const main = join(repositoryRoot, 'dist', 'cli', 'main.js');
    engine = spawn(
      process.execPath,
      [...nodeArgs, '--require', preload, main, 'serve', '--model', 'demo', '--socket', socket, ...args],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    await once(engine.stderr ?? engine, 'data');
    engine.stderr?.resume();
    client = new EngineClient({ kind: 'socket', path: socket }, { unreachableMs: 0 });
    return engine;
  }

  /** @returns how it ended, as a shell says it */
  async function status(ending: ChildProcess): Promise<number> {
    const [code, signal] = await once(ending, 'exit');
    return signal === null ? code : 128;
  }

  it('has the status 1 when it passes its memory limit, after the answer', async () => {
    const ending = await start('', [], '--memory-limit-mb', '10');
    const ended = status(ending);
    const final = await client?.describe({ prompt: 'What is there?', maxNewTokens: 2 }, [
      readFileSync(demoFrame('frame_01_driveway_day.jpg')),
    ]);
    assert.equal(final?.type, 'result');
    assert.equal(await ended, 1);
  });

  it('has a status other than 0 after an exception that nothing caught', async () => {
    const ending = await start("setTimeout(() => { throw new Error('not caught'); })", []);
    ending.kill('SIGUSR2');
    assert.equal(await status(ending), 1);
  });

  it('has a status other than 0 after a rejection that nothing caught', async () => {
    const ending = await start("Promise.reject(new Error('not caught'))", []);
    ending.kill('SIGUSR2');
    assert.equal(await status(ending), 1);
  });

  it('has a status other than 0 when its heap is full', async () => {
    const fill = 'const all = []; for (;;) all.push(new Array(1e5).fill(all.length));';
    const ending = await start(fill, ['--max-old-space-size=64']);
    ending.kill('SIGUSR2');
    assert.notEqual(await status(ending), 0);
  });

  it('has the status 0 when it is told to end', async () => {
    const ending = await start('', []);
    ending.kill('SIGTERM');
    assert.equal(await status(ending), 0);
  });
});
