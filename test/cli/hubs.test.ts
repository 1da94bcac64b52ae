import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';
import { NatsFake } from '../nats/nats-fake';
import { hasNatsServer } from '../nats/test-server';
import { useTempFolder } from '../temp-folder';

const program = `${repositoryRoot}/dist/cli/main.js`;

async function smolvlm(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [program, ...args])).stdout;
}

describe('smolvlm hubs', function () {
  this.timeout(60_000);
  const temp = useTempFolder();
  let fake: NatsFake;
  let child: ChildProcess | undefined;
  beforeEach(async function () {
    if (!hasNatsServer) this.skip();
    fake = await NatsFake.start();
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await fake?.close();
  });

  it('says that no hub answers and that the queue is empty', async () => {
    assert.equal(await smolvlm('hubs', '--nats', fake.server.url), 'no hub answers\n\nthe queue is empty\n');
  });

  it('lists hubs with backend and counts, and the frames of each camera', async () => {
    await fake.hub();
    const client = fake.client();
    const picture = Buffer.from('a picture');
    await client.describe({ prompt: 'x', camera: 'porch' }, [picture]);
    const abort = new AbortController();
    const running = new Promise<void>((resolve) => {
      const onEvent = ({ type }: { readonly type: string }): void => {
        if (type === 'progress') resolve();
      };
      void client.describe({ prompt: 'slow 60000', camera: 'gate' }, [picture], {
        onEvent,
        signal: abort.signal,
      });
    });
    await running;
    const text = await smolvlm('hubs', '--nats', fake.server.url);
    assert.match(
      text,
      /^hub +backend +load +in progress +a minute +answered +redelivered +returned +takes\n/,
    );
    assert.match(text, /\n\S+:\d+ +fake +0 % +1 +1 +1 +0 +0 +_\n/);
    assert.match(
      text,
      /\ncamera +frames\ngate +1\nin progress: 1, redelivered: 0, the oldest \d+\.\d s ago\n$/,
    );
    const { hubs, queue } = JSON.parse(await smolvlm('hubs', '--nats', fake.server.url, '--json'));
    assert.equal(hubs[0].lastMinute, 1);
    assert.deepEqual(queue.cameras, { gate: 1 });
    abort.abort();
  });

  it('draws the tables again with --watch, and ends with 0 on Ctrl-C', async function () {
    if (spawnSync('script', ['--version']).status !== 0) this.skip();
    // Without exec, a shell like dash would end with 130 for the key, whatever the command returns.
    const command = `exec ${process.execPath} ${program} hubs --watch --nats ${fake.server.url}`;
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], { stdio: 'pipe' });
    child = terminal;
    let shown = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    const drawn = async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(shown)) await once(terminal.stdout, 'data');
    };
    const cleared = '\\x1b\\[2J\\x1b\\[H';
    await drawn(new RegExp(`^${cleared}no hub answers\\r\\n`));
    await fake.hub();
    await drawn(new RegExp(`queue is empty\\r\\n${cleared}hub +backend `));
    const exited = once(terminal, 'exit');
    // What the key sends: the terminal makes SIGINT of it.
    terminal.stdin.write('\x03');
    assert.deepEqual(await exited, [0, null]);
  });

  it('has the same numbers in the metrics of a hub’s engine', async () => {
    const args = [program, 'serve', '--nats', fake.server.url, '--port', '0', '--no-token', '--no-announce'];
    child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, SMOLVLM_RUNTIME_DIR: temp('run') },
    });
    let said = '';
    while (!/takes frames from/.test(said)) said += String(await once(child.stderr ?? child, 'data'));
    const [url = ''] = /http:\S+/.exec(said) ?? [];
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, /\nsmolvlm_hub_answered_total 0\n/);
    assert.match(metrics, /\n# TYPE smolvlm_queue_frames gauge\n/);
    assert.match(metrics, /\nsmolvlm_queue_oldest_seconds 0\n$/);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  });
});
