import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { natsServerProgram } from '../../src/cli/bench/hubs/nats-server';
import { repositoryRoot } from '../fixtures';

/** Where scripts/hubs/newest-nats-server.sh puts it. */
const program = join(homedir(), '.cache', 'smolvlm-test', 'nats-server', 'nats-server');

interface Failure {
  readonly fullTitle: string;
  readonly err: { readonly message?: string };
}

describe('the shared queue with the oldest nats-server', () => {
  it('is tested by the other files, on a machine with Debian 12’s', function () {
    const debian = '/usr/sbin/nats-server';
    if (!existsSync(debian) || !/^12/.test(debianVersion())) this.skip();
    assert.equal(natsServerProgram(), debian);
    assert.match(execFileSync(debian, ['--version'], { encoding: 'utf8' }), /v2\.9\./);
  });
});

function debianVersion(): string {
  return existsSync('/etc/debian_version') ? readFileSync('/etc/debian_version', 'utf8') : '';
}

describe('the shared queue with the newest nats-server', function () {
  this.timeout(600_000);

  it('passes the tests that it passes with the oldest', function () {
    if (!existsSync(program)) this.skip();
    assert.match(execFileSync(program, ['--version'], { encoding: 'utf8' }), /v2\.15\./);
    const tests = readdirSync(__dirname, { encoding: 'utf8', recursive: true }).filter(
      (name) => /\.test\.js$/.test(name) && (!/oracle/.test(name) || /^replicas/.test(name)),
    );
    const mocha = join(repositoryRoot, 'node_modules', '.bin', 'mocha');
    const files = tests.map((name) => join(__dirname, name));
    const run = spawnSync(mocha, ['--reporter', 'json', ...files], {
      cwd: repositoryRoot,
      encoding: 'utf8',
      timeout: 400_000,
      env: { ...process.env, NATS_SERVER: program },
    });
    const { stats, failures } = JSON.parse(run.stdout.slice(run.stdout.indexOf('{\n')));
    assert.deepEqual(
      failures.map(({ fullTitle, err }: Failure) => `${fullTitle}: ${err.message}`),
      [],
    );
    assert.deepEqual([stats.pending, run.status], [0, 0]);
    assert.ok(stats.passes >= 80, `${stats.passes} tests passed`);
  });
});
