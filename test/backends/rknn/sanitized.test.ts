import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildEmulator } from '../../../src/cli/bench/emulator/build-emulator';
import { repositoryRoot } from '../../fixtures';

/**
 * The address sanitizer must be loaded before everything else. Node itself keeps memory at its end: leaks are counted
 * by the test of 10,000 runs instead.
 */
function sanitizerEnvironment(library: string): NodeJS.ProcessEnv {
  const compiler = process.env.CC || 'cc';
  const runtime = (name: string): string =>
    execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  return {
    ...process.env,
    LD_PRELOAD: `${runtime('libasan.so')} ${runtime('libubsan.so')}`,
    ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    SMOLVLM_TEST_RKNN_LIBRARY: library,
  };
}

describe('the RKNN binding on an emulator with sanitizers', function () {
  this.timeout(900_000);

  it('reads and writes nothing outside its memory', async () => {
    const library = await buildEmulator('rknn', { sanitize: true });
    const args = [
      join(repositoryRoot, 'node_modules', 'mocha', 'bin', 'mocha.js'),
      ...['--no-config', '--timeout', '120000', '--reporter', 'json'],
      ...['--require', join(__dirname, '..', '..', 'private-cache.js')],
      ...['--grep', 'leaks neither|safe path when|goldens’ activations|cancelled frame', '--invert'],
      join(__dirname, 'rknn-vision-backend.test.js'),
    ];
    const run = promisify(execFile)(process.execPath, args, {
      env: sanitizerEnvironment(library),
      cwd: repositoryRoot,
      maxBuffer: 64e6,
    });
    const { stdout, stderr } = await run.catch((error: Error & { stdout: string; stderr: string }) => error);
    assert.doesNotMatch(stderr, /AddressSanitizer|runtime error/);
    const { stats } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
      stats: { passes: number; failures: number };
    };
    assert.ok(stats.passes > 20 && stats.failures === 0, stdout.slice(-4000));
  });
});
