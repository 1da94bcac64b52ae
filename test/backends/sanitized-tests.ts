import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';

/**
 * The address sanitizer must be loaded before everything else. Node itself keeps memory at its end: leaks are counted
 * by the tests of 10,000 runs instead.
 */
function sanitizerEnvironment(): NodeJS.ProcessEnv {
  const compiler = process.env.CC || 'cc';
  const runtime = (name: string): string =>
    execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  return {
    ...process.env,
    LD_PRELOAD: `${runtime('libasan.so')} ${runtime('libubsan.so')}`,
    ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  };
}

/**
 * Runs tests in a separate process with the sanitizers, and fails if these report an error or a test fails.
 * @param libraries variables with emulators that were compiled with sanitizers
 * @param file below dist/test/backends
 * @param least number of tests that must pass, so that a changed title does not exclude all of them
 */
export async function passSanitized(
  libraries: NodeJS.ProcessEnv,
  file: string,
  grep: string,
  least: number,
): Promise<void> {
  const args = [
    join(repositoryRoot, 'node_modules', 'mocha', 'bin', 'mocha.js'),
    ...['--no-config', '--timeout', '120000', '--reporter', 'json'],
    ...['--require', join(__dirname, '..', 'private-folders.js'), '--grep', grep],
    join(__dirname, file),
  ];
  const run = promisify(execFile)(process.execPath, args, {
    env: { ...sanitizerEnvironment(), ...libraries },
    cwd: repositoryRoot,
    maxBuffer: 64e6,
  });
  const { stdout, stderr } = await run.catch((error: Error & { stdout: string; stderr: string }) => error);
  assert.doesNotMatch(stderr, /AddressSanitizer|runtime error/);
  const { stats, failures } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
    readonly stats: { readonly passes: number };
    readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[];
  };
  assert.deepEqual(
    failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message}`),
    [],
  );
  assert.ok(stats.passes >= least, `${stats.passes} tests passed of ${least}`);
}
