import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';
import { otherRuntimes, programOf, thisRuntime } from '../package/test-runtimes';

const suites = ['fetch-picture', 'fetch-picture-login'].map((name) => `dist/test/picture/${name}.test.js`);

describe('pictures of cameras on other releases of Node.js', function () {
  this.timeout(300_000);
  const versions = new Set(otherRuntimes.map(({ node }) => node).filter((node) => node !== thisRuntime.node));
  for (const node of versions) {
    it(`are read or given up on Node ${node} as here, to the last byte of their body`, async () => {
      const program = await programOf({ node, nodeRed: thisRuntime.nodeRed });
      const mocha = join(repositoryRoot, 'node_modules', 'mocha', 'bin', 'mocha.js');
      await promisify(execFile)(program.node, [mocha, ...suites], { cwd: repositoryRoot });
    });
  }
});
