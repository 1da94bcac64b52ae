// npm test, test:fast, test:oracles, test:fuzz: sets up, runs the suite's tests in processes side by side, and ends
// with the ten slowest, the failures and one line of counts. Arguments: --suite NAME, --record (keep each file's seconds, by which
// the next run shares the files out), or files to run instead (their sources or the compiled ones).
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { root, run, setUp } from './setup.mjs';
import { compiled, recordSeconds, shareOut, testFiles } from './test-suites.mjs';

/** All tests together; a run that takes longer hangs. */
const limitMs = 60 * 60_000;

/** Time for a process to end by itself once its last test has ended: what stays open longer is a leak. */
const graceMs = 30_000;

const slowest = 10;

/** Processes side by side, on two cores: the others work while tests wait for engines, timers and browsers. */
const processes = { all: 3, fast: 4, oracles: 2, fuzz: 2 };

/** Inputs per promise of a fuzz suite in the long form; the short form is the suite's own. */
const fuzzRuns = '100000';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { suite: { type: 'string', default: 'all' }, record: { type: 'boolean', default: false } },
});
const folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
// Tests of several users start processes that must reach their folders in it.
chmodSync(folder, 0o711);
const counts = { passed: 0, failed: 0, skipped: [] };
const failures = [];
const times = [];
const fileTimes = {};
try {
  const named = positionals.map((path) => relative(root, path).replace(/^dist\/(.*)\.js$/, '$1.ts'));
  const files = named.length > 0 ? named : testFiles(values.suite);
  setUp();
  if (values.suite === 'all')
    check('style, import rules', 'npx', ['biome', 'check', '--error-on-warnings', '.']);
  await Promise.all(shareOut(files, processes[values.suite]).map((share, index) => mocha(share, index)));
  if (values.record) recordSeconds(fileTimes);
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
printSlowest();
for (const words of failures) process.stdout.write(`failed: ${words}\n`);
for (const title of counts.skipped) process.stdout.write(`skipped: ${title}\n`);
const { passed, failed, skipped } = counts;
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped.length} skipped\n`);
process.exitCode = failed > 0 || (process.env.CI === 'true' && skipped.length > 0) ? 1 : 0;

function check(name, command, args) {
  try {
    run(command, args);
    counts.passed += 1;
  } catch {
    fail(name);
  }
}

function fail(words) {
  failures.push(words);
  counts.failed += 1;
}

/** Runs some files in a process with its own temporary folder. */
async function mocha(files, index) {
  if (files.length === 0) return;
  const summary = join(folder, `summary-${index}.json`);
  // Short: paths of Unix sockets hold about a hundred characters.
  const temporary = join(folder, `${index}`);
  mkdirSync(temporary);
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules/mocha/bin/mocha.js'),
      '--reporter',
      'scripts/counting-reporter.cjs',
      ...files.map(compiled),
    ],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        TMPDIR: temporary,
        // Each demo bundle and emulator is made once a run.
        SMOLVLM_TEST_CACHE: join(folder, 'cache'),
        SMOLVLM_TEST_SUMMARY: summary,
        ...(values.suite === 'fast' ? { SMOLVLM_TEST_QUICK: '1' } : {}),
        ...(values.suite === 'fuzz' ? { SMOLVLM_FUZZ_RUNS: process.env.SMOLVLM_FUZZ_RUNS ?? fuzzRuns } : {}),
      },
    },
  );
  const printed = printBySuite(child.stdout);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const started = Date.now();
  let doneAt;
  let verdict = 'running';
  const watch = setInterval(() => {
    if (doneAt === undefined && existsSync(summary)) doneAt = Date.now();
    if (doneAt !== undefined && Date.now() - doneAt > graceMs)
      verdict = 'a test process did not end: something was left open';
    if (Date.now() - started > limitMs) verdict = `the tests took longer than ${limitMs / 60_000} minutes`;
    if (verdict !== 'running') child.kill('SIGKILL');
  }, 500);
  const status = await ended;
  clearInterval(watch);
  await printed;
  if (existsSync(summary)) {
    const result = JSON.parse(readFileSync(summary, 'utf8'));
    counts.passed += result.passed;
    counts.failed += result.failed;
    counts.skipped.push(...result.skipped);
    failures.push(...result.failures);
    times.push(...result.times);
    Object.assign(fileTimes, result.files);
    if (verdict === 'running' && result.failed === 0 && status !== 0) verdict = `mocha ended with ${status}`;
  } else if (verdict === 'running') {
    verdict = `mocha ended with ${status} before the last test`;
  }
  if (verdict !== 'running') fail(verdict);
}

/** Prints the output suite by suite, so that two processes do not mix their lines. */
async function printBySuite(stream) {
  let waiting = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    const suites = (waiting + chunk).split('\u001e');
    waiting = suites.pop();
    for (const suite of suites) process.stdout.write(suite);
  }
  process.stdout.write(waiting);
}

function printSlowest() {
  const first = times.toSorted((a, b) => b.ms - a.ms).slice(0, slowest);
  if (first.length > 0) process.stdout.write('slowest, with the processor time of each:\n');
  for (const { ms, cpu, title } of first)
    process.stdout.write(`${seconds(ms)} s ${seconds(cpu)} s  ${title}\n`);
}

function seconds(ms) {
  return (ms / 1000).toFixed(1).padStart(7);
}
