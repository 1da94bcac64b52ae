import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { groupOverview } from '../../../src/node-red/engine/group-overview';
import { repositoryRoot } from '../../fixtures';
import { useNatsFake } from '../../nats/nats-fake';
import { useTempFolder } from '../../temp-folder';

const picture = Buffer.from('a picture');

async function metricsAt(socketPath: string): Promise<string> {
  const asked = request({ socketPath, path: '/metrics' }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return text(response);
}

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

  it('has in its metrics, in smolvlm hubs and for the sidebar what it does and what waits', async () => {
    const lost = await fake().hub({ ackWaitMs: 2_000, drainMs: 50 });
    const client = fake().client();
    const abort = new AbortController();
    const ask = (prompt: string, camera: string, type?: string) => {
      let happened = (): void => {};
      const event = new Promise<void>((resolve) => {
        happened = resolve;
      });
      const onEvent = (each: { readonly type: string }): void => void (each.type === type && happened());
      const final = client.describe({ prompt, camera }, [picture], { onEvent, signal: abort.signal });
      return { event, final };
    };
    await ask('slow 60000', 'porch', 'progress').event;
    const taken = await fake().listen('smolvlm.events.*');
    await lost.cut();
    await serve();
    // The hub that was lost had taken it before.
    while (!taken.some(({ text }) => JSON.parse(text).type === 'progress')) await delay(5);
    const waiting = [ask('y', 'gate/left "A"', 'queued'), ask('z', 'yard', 'queued')];
    await Promise.all(waiting.map(({ event }) => event));
    const metrics = await metricsAt(temp('hub.sock'));
    const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
    assert.equal(value('smolvlm_hub_frames_in_work'), 1);
    assert.equal(value('smolvlm_hub_redelivered_total'), 1);
    assert.equal(value('smolvlm_queue_redelivered'), 1);
    for (const camera of ['porch', 'yard', 'gate/left \\\\"A\\\\"']) {
      assert.equal(value(`smolvlm_queue_frames\\{camera="${camera}"\\}`), 1, metrics);
    }
    assert.ok(value('smolvlm_queue_oldest_seconds') > 0);
    const { group } = await groupOverview(client, abort.signal);
    assert.deepEqual(group?.queue?.cameras, { porch: 1, yard: 1, 'gate/left "A"': 1 });
    assert.deepEqual([group?.queue?.working, group?.queue?.redelivered], [1, 1]);
    assert.ok((group?.queue?.oldestMs ?? 0) > 0);
    const main = join(repositoryRoot, 'dist', 'cli', 'main.js');
    const hubs = ['hubs', '--nats', fake().server.url];
    const { stdout } = await promisify(execFile)(process.execPath, [main, ...hubs]);
    assert.match(stdout, /\nin progress: 1, redelivered: 1, the oldest \d+\.\d s ago\n$/);
    abort.abort();
    assert.equal((await ask('last', 'porch').final).type, 'dropped');
    const after = fake().client();
    assert.equal((await after.describe({ prompt: 'last', camera: 'porch' }, [picture])).type, 'result');
    assert.match(await metricsAt(temp('hub.sock')), /^smolvlm_hub_answered_total [1-9]/m);
    assert.ok(
      ((await groupOverview(after, new AbortController().signal)).group?.hubs[0]?.lastMinute ?? 0) > 0,
    );
  });

  it('answers the frame that it works on after SIGTERM, once, leaves the next to another hub, and ends with 0', async () => {
    const answers = await fake().listen('smolvlm.answers.*');
    const client = fake().client();
    const hub = await serve();
    let begun = (): void => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const first = client.describe({ id: 'first', prompt: 'slow 4000', camera: 'porch' }, [picture], {
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
