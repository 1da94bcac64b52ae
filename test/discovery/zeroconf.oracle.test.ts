import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { announceEngine } from '../../src/discovery/announce-engine';
import { repositoryRoot } from '../fixtures';
import { hasPython, pythonPrograms } from '../python-programs';

const folder = join(repositoryRoot, 'test', 'discovery');

/** The package that Home Assistant finds devices with. */
describe('python-zeroconf', function () {
  this.timeout(120_000);

  it('finds an announced engine with its port, host and TXT record', async function () {
    if (!hasPython) this.skip();
    const programs = await pythonPrograms('zeroconf', join(folder, 'requirements.txt'));
    const engine = await announceEngine({
      interface: '127.0.0.1',
      enginePort: 8372,
      announcement: { version: '0.1.0', protocol: 1, tls: false, model: 'demo' },
      onError: assert.ifError,
    });
    try {
      const { stdout } = await promisify(execFile)(join(programs, 'python'), [
        join(folder, 'find_engine.py'),
      ]);
      const { port, server, txt } = JSON.parse(stdout);
      assert.deepEqual([port, txt], [8372, { version: '0.1.0', protocol: '1', tls: '0', model: 'demo' }]);
      assert.match(server, /\.local\.$/);
    } finally {
      await engine.close();
    }
  });
});
