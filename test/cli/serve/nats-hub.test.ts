import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { repositoryRoot } from '../../fixtures';
import { useNatsFake } from '../../nats/nats-fake';
import { useTempFolder } from '../../temp-folder';

const picture = Buffer.from('a picture');

describe('smolvlm serve --nats', function () {
  this.timeout(60_000);
  const temp = useTempFolder();
  const fake = useNatsFake();
  let child: ChildProcess | undefined;
  afterEach(() => void child?.kill('SIGKILL'));

  /** A hub of the fake captioner. */
  async function serve(): Promise<ChildProcess> {
    const captioner = join(repositoryRoot, 'dist', 'test', 'inference', 'fake-captioner.js');
    const lines = [
      "const threads = require('node:worker_threads');",
      'threads.Worker = class extends threads.Worker {',
      '  constructor(file, options) {',
      `    if (options?.workerData?.captionerModule) options.workerData.captionerModule = ${JSON.stringify(captioner)};`,
      '    super(file, options);',
      '  }',
      '};',
    ];
    writeFileSync(temp('preload.cjs'), lines.join('\n'));
    const main = join(repositoryRoot, 'dist', 'cli', 'main.js');
    const args = ['serve', '--model', 'demo', '--socket', temp('hub.sock'), '--nats', fake().server.url];
    const hub = spawn(process.execPath, ['--require', temp('preload.cjs'), main, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child = hub;
    let said = '';
    while (!/takes frames from/.test(said)) said += String(await once(hub.stderr, 'data'));
    hub.stderr.resume();
    return hub;
  }

  it('answers the frame that it works on after SIGTERM, once, leaves the next to another hub, and ends with 0', async () => {
    const answers = await fake().listen('smolvlm.answers.*');
    const client = fake().client();
    const hub = await serve();
    let begun = (): void => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const first = client.describe({ id: 'first', prompt: 'slow 1500', camera: 'porch' }, [picture], {
      onEvent: ({ type }) => type === 'progress' && begun(),
    });
    await running;
    const exited = once(hub, 'exit');
    hub.kill('SIGTERM');
    const next = client.describe({ id: 'next', prompt: 'next', camera: 'gate' }, [picture]);
    assert.equal((await first).type, 'result');
    assert.deepEqual(await exited, [0, null]);
    await fake().hub();
    assert.equal((await next).type, 'result');
    // They reach the test's listener on another connection.
    while (answers.length < 2) await delay(5);
    assert.deepEqual(
      answers.map(({ text }) => JSON.parse(text).id),
      ['first', 'next'],
    );
  });
});
