import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { demoFrame, repositoryRoot } from '../fixtures';

interface Expected {
  readonly frame: string;
  readonly prompt: string;
  readonly text: string;
}

const script = join(repositoryRoot, 'scripts', 'demo.mjs');
const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('smolvlm-demo-'));

describe('npm run demo', function () {
  this.timeout(240_000);

  it('with --once describes every shipped frame through Node-RED and MQTT, and leaves nothing behind', async () => {
    const before = leftovers();
    const child = spawn(process.execPath, [script, '--once'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    assert.equal(code, 0, stderr);
    const expected: Expected[] = JSON.parse(readFileSync(demoFrame('expected.json'), 'utf8'));
    const captions = expected.filter(({ prompt }) => prompt === 'Describe this image.');
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ frame, prompt, text: caption }) => ({ frame, prompt, text: caption })),
      captions.map(({ frame, prompt, text: caption }) => ({ frame, prompt, text: caption })),
    );
    assert.ok(lines.every(({ camera, timings_ms }) => camera !== '' && timings_ms.total > 0));
    assert.deepEqual(leftovers(), before);
  });

  it('continues when others publish on its broker, and ends in order at Ctrl-C in the middle of its work', async () => {
    const before = leftovers();
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    const exited = once(child, 'exit');
    while (!/driveway +A /.test(said)) {
      assert.equal(child.exitCode, null, said);
      await delay(100);
    }
    const [, port] = /MQTT broker: mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(said) ?? [];
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`);
    for (const topic of ['smolvlm/availability', 'cameras/porch/caption']) {
      await client.publishAsync(topic, 'online', { qos: 1 });
    }
    await client.endAsync();
    const captions = said.split('\n').length;
    while (said.split('\n').length < captions + 2) {
      assert.equal(child.exitCode, null, said);
      await delay(100);
    }
    child.kill('SIGINT');
    await exited;
    assert.match(said, /Node-RED's editor: http:\/\/127\.0\.0\.1:\d+/);
    assert.deepEqual(leftovers(), before);
  });
});
