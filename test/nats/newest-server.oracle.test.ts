import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../fixtures';

/** Where scripts/newest-nats-server.sh puts it. */
const program = join(homedir(), '.cache', 'smolvlm-test', 'nats-server', 'nats-server');

describe('the shared queue with the newest nats-server', function () {
  this.timeout(600_000);

  it('passes the tests that it passes with the oldest', function () {
    if (!existsSync(program)) this.skip();
    assert.match(execFileSync(program, ['--version'], { encoding: 'utf8' }), /v2\.15\./);
    const tests = readdirSync(__dirname, { encoding: 'utf8', recursive: true }).filter(
      (name) => /\.test\.js$/.test(name) && (!/oracle/.test(name) || /^replicas/.test(name)),
    );
    const mocha = join(repositoryRoot, 'node_modules', '.bin', 'mocha');
    const run = spawnSync(mocha, ['--reporter', 'dot', ...tests.map((name) => join(__dirname, name))], {
      cwd: repositoryRoot,
      encoding: 'utf8',
      timeout: 400_000,
      env: { ...process.env, NATS_SERVER: program },
    });
    assert.equal(run.status, 0, run.stdout);
  });
});
