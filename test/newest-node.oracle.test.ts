import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { repositoryRoot } from './fixtures';
import { newestNode, programOf, thisRuntime } from './package/test-runtimes';

describe('the newest Node.js', function () {
  this.timeout(30 * 60_000);

  it('passes every test of the quick loop', async () => {
    const { node } = await programOf({ node: newestNode, nodeRed: thisRuntime.nodeRed });
    const run = spawn(node, [join(repositoryRoot, 'scripts', 'test.mjs'), '--suite', 'fast'], {
      cwd: repositoryRoot,
      // Paths of Unix sockets hold about a hundred characters: its folders are not within this run's.
      env: { ...process.env, TMPDIR: undefined },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(run, 'exit');
    const lines = (await text(run.stdout)).trimEnd().split('\n');
    const failures = lines.filter((line) => /^(failed|skipped): /.test(line));
    assert.deepEqual(await exit, [0, null], failures.join('\n'));
    const [, passed, failed, skipped] =
      /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(lines.at(-1) ?? '') ?? [];
    assert.ok(Number(passed) > 3_000, lines.at(-1));
    assert.deepEqual([failed, skipped], ['0', '0'], failures.join('\n'));
  });
});
