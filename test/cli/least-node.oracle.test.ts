import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';
import { leastRuntime, programOf } from '../package/test-runtimes';
import { useTempFolder } from '../temp-folder';
import { main } from './run-smolvlm';

const demo = join(repositoryRoot, 'models', 'demo');
const frame = join(repositoryRoot, 'models', 'demo-frames', 'frame_09_street_day.jpg');

describe('the command smolvlm on the oldest Node.js that is supported', function () {
  this.timeout(120_000);
  const temp = useTempFolder();

  async function smolvlm(...args: readonly string[]): Promise<string> {
    const { node } = await programOf(leastRuntime);
    const env = { ...process.env, SMOLVLM_CACHE: temp('cache') };
    const { stdout } = await promisify(execFile)(node, [main, ...args], { env, cwd: temp('.') });
    return stdout;
  }

  it('loads what each command needs', async () => {
    const commands = (await smolvlm('--help')).matchAll(/^ {2}([a-z]+) /gm);
    let count = 0;
    for (const [, command = ''] of commands) {
      const { stdout } = await promisify(execFile)(process.execPath, [main, command, '--help']);
      assert.equal(await smolvlm(command, '--help'), stdout, command);
      count += 1;
    }
    assert.ok(count >= 14, `${count} commands`);
  });

  it('describes a picture, and lists what the cache keeps of its model', async () => {
    assert.match(await smolvlm('caption', '--model', demo, '--image', frame), /\w+ .*\./);
    assert.match(await smolvlm('cache', 'list'), /bundle[^\n]*\d MB\n/);
  });

  it('examines the machine, and makes a certificate', async () => {
    assert.match(await smolvlm('doctor'), new RegExp(`ok +Node\\.js +${leastRuntime.node}`));
    assert.match(await smolvlm('certificate'), /fingerprint: [0-9A-F]{64}/);
  });
});
