import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { natsServerProgram } from '../../../../src/cli/bench/hubs/nats-server';
import { repositoryRoot } from '../../../fixtures';

describe('nats-server of a benchmark', function () {
  this.timeout(60_000);

  it('is the one that NATS_SERVER names', () => {
    assert.equal(natsServerProgram({ NATS_SERVER: '/opt/nats-server' }), '/opt/nats-server');
  });

  it('ends smolvlm bench --hubs with a clear error if it cannot be started', () => {
    const program = `${repositoryRoot}/dist/src/cli/main.js`;
    const { status, stderr } = spawnSync(process.execPath, [program, 'bench', '--hubs', '1'], {
      encoding: 'utf8',
      env: { ...process.env, NATS_SERVER: '/nonexistent/nats-server' },
    });
    assert.equal(status, 1);
    assert.match(stderr, /\/nonexistent\/nats-server did not start: .*ENOENT.*bench-nats-server/s);
  });
});
