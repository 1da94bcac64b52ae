import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NatsEngine } from '../../src/nats/client/nats-engine';
import { parseNatsAddress } from '../../src/nats/nats-address';
import { freePort } from '../../src/system/free-port';
import { demoFrame, repositoryRoot } from '../fixtures';
import { hasNatsServer } from '../nats/test-server';
import { useTempFolder } from '../temp-folder';

/** The first block of commands on the page. */
function commands(): string[] {
  const page = readFileSync(join(repositoryRoot, 'docs', 'many-hubs.md'), 'utf8');
  const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(page) ?? [];
  return block.trim().split('\n');
}

interface Program {
  readonly child: ChildProcess;
  /** The end of what it has written. */
  output(): string;
}

function start(command: string, env: NodeJS.ProcessEnv): Program {
  const child = spawn('sh', ['-c', command], { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text = `${text}${part}`.slice(-2_000);
    });
  }
  return { child, output: () => text };
}

describe('the commands of docs/many-hubs.md', function () {
  this.timeout(300_000);
  const temp = useTempFolder();
  const programs: Program[] = [];
  afterEach(async () => {
    const ended: string[] = [];
    for (const { child, output } of programs.splice(0)) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
        ended.push(`${child.spawnargs.join(' ')}: ${child.exitCode ?? child.signalCode}: ${output()}`);
        continue;
      }
      const exited = once(child, 'exit');
      // The shell and what it started.
      process.kill(-child.pid, 'SIGTERM');
      await exited;
    }
    assert.deepEqual(ended, [], 'ended by themselves');
  });

  it('lead to two engines that share one queue in at most five commands', async function () {
    if (!hasNatsServer) this.skip();
    const [install, ...lines] = commands();
    assert.match(install ?? '', /^sudo apt install nats-server$/);
    assert.ok(lines.length <= 4 && lines.length > 0);
    const port = await freePort();
    for (const line of lines) {
      const command = line
        .replace(/ &$/, '')
        // Beside other tests, and not from the registry.
        .replaceAll('127.0.0.1:4222', `127.0.0.1:${port}`)
        .replaceAll('/tmp/', `${temp()}/`)
        .replace('~/nats', temp('nats'))
        .replace(
          'npx smolvlm',
          `${process.execPath} ${join(repositoryRoot, 'dist', 'src', 'cli', 'main.js')}`,
        )
        .replace('nats-server -js', `nats-server -a 127.0.0.1 -p ${port} -js`);
      const PATH = `${process.env.PATH}:/usr/sbin`;
      const env = { ...process.env, PATH };
      programs.push(start(`exec ${command}`, env));
    }
    const client = new NatsEngine(parseNatsAddress(`nats://127.0.0.1:${port}`));
    let hubs = 0;
    while (hubs < 2) {
      hubs = (await client.hubs().catch(() => [])).length;
      await delay(100);
    }
    const picture = readFileSync(demoFrame('frame_05_porch_day.jpg'));
    const cameras = ['porch', 'gate', 'garden', 'street', 'garage', 'shed'];
    const finals = await Promise.all(
      cameras.map((camera) => client.describe({ camera, prompt: 'What is there?' }, [picture])),
    );
    assert.deepEqual([...new Set(finals.map(({ type }) => type))], ['result']);
    const answered = (await client.hubs()).map((hub) => hub.answered);
    await client.close();
    assert.ok(answered.length === 2 && answered.every((count) => count > 0), answered.join(' '));
  });
});
