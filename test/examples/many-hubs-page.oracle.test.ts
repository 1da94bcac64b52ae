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

describe('the commands of docs/many-hubs.md', function () {
  this.timeout(300_000);
  const temp = useTempFolder();
  const children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      const exited = once(child, 'exit');
      // The shell and what it started.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      await exited;
    }
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
      children.push(spawn('sh', ['-c', `exec ${command}`], { detached: true, stdio: 'ignore', env }));
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
