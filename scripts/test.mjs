// npm test: sets up, checks style and types, runs every test, and ends with one line of counts.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run, setUp } from './setup.mjs';

/** All tests together; a run that takes longer hangs. */
const limitMs = 40 * 60_000;

/** Time for the process to end by itself once the last test has ended: what stays open longer is a leak. */
const graceMs = 30_000;

const folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
const counts = { passed: 0, failed: 0, skipped: [] };
try {
  setUp();
  check('style, import rules', 'npx', ['biome', 'check', '--error-on-warnings', '.']);
  const named = process.argv.slice(2);
  await mocha(named.length > 0 ? named : ['dist/test/**/*.test.js']);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  counts.failed += 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const title of counts.skipped) process.stdout.write(`skipped: ${title}\n`);
const { passed, failed, skipped } = counts;
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped.length} skipped\n`);
process.exitCode = failed > 0 || passed === 0 || (process.env.CI === 'true' && skipped.length > 0) ? 1 : 0;

function check(name, command, args) {
  try {
    run(command, args);
    counts.passed += 1;
  } catch {
    process.stdout.write(`failed: ${name}\n`);
    counts.failed += 1;
  }
}

async function mocha(files) {
  const summary = join(folder, 'summary.json');
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules/mocha/bin/mocha.js'), '--reporter', 'scripts/counting-reporter.cjs', ...files],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, SMOLVLM_TEST_SUMMARY: summary },
    },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const started = Date.now();
  let doneAt;
  let verdict = 'running';
  const watch = setInterval(() => {
    if (doneAt === undefined && existsSync(summary)) doneAt = Date.now();
    if (doneAt !== undefined && Date.now() - doneAt > graceMs)
      verdict = 'the test process did not end: something was left open';
    if (Date.now() - started > limitMs) verdict = `the tests took longer than ${limitMs / 60_000} minutes`;
    if (verdict !== 'running') child.kill('SIGKILL');
  }, 500);
  const status = await ended;
  clearInterval(watch);
  if (existsSync(summary)) {
    const result = JSON.parse(readFileSync(summary, 'utf8'));
    counts.passed += result.passed;
    counts.failed += result.failed;
    counts.skipped.push(...result.skipped);
    if (verdict === 'running' && result.failed === 0 && status !== 0) verdict = `mocha ended with ${status}`;
  } else if (verdict === 'running') {
    verdict = `mocha ended with ${status} before the last test`;
  }
  if (verdict !== 'running') {
    process.stdout.write(`failed: ${verdict}\n`);
    counts.failed += 1;
  }
}
