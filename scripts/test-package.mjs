// npm run test:package: the packed package on every version of Node-RED and Node.js it is meant for.
import { join } from 'node:path';
import { root, run, setUp } from './setup.mjs';

setUp();
const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
const options = ['--no-config', '--timeout', '30000', '--require', 'dist/test/private-cache.js'];
run(process.execPath, [mocha, ...options, 'dist/test/package/**/*.test.js'], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, SMOLVLM_TEST_PACKAGE: 'full' },
});
