// Mocha's spec output, with a record separator after each suite of the first level; at the end the counts, the failures
// and the time of each test and file go, as JSON, to the file named by SMOLVLM_TEST_SUMMARY. A process that does not end
// then prints what keeps it open.
const { readFileSync, writeFileSync } = require('node:fs');
const Mocha = require('mocha');

/**
 * Processor time of this process and of the children that have ended, in milliseconds. On a busy machine it says more
 * than the time on the wall. Linux counts in hundredths of a second.
 */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  let children = 0;
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
    children = (Number(fields[13]) + Number(fields[14])) * 10;
  } catch {
    // Not on Linux: without the children.
  }
  return (user + system) / 1000 + children;
}

const openAfterMs = 10_000;

/** Prints what keeps this process open; child processes with their arguments, sockets with their ports. */
function printOpen() {
  const words = process._getActiveHandles().map((handle) => {
    const { spawnargs, remoteAddress, remotePort, localPort } = handle;
    const address = typeof handle.address === 'function' ? handle.address() : undefined;
    const detail =
      spawnargs?.join(' ') ?? JSON.stringify(defined({ remoteAddress, remotePort, localPort, address }));
    return `${handle.constructor.name} ${detail}`;
  });
  const resources = process.getActiveResourcesInfo().join(', ');
  process.stdout.write(`still open: ${resources}\n${words.map((line) => `  ${line}\n`).join('')}`);
}

const shownCharacters = 600;

/** An error's message and the first line of its trace that is a test's. */
function shown(error) {
  const place = String(error?.stack ?? '')
    .split('\n')
    .find((line) => line.includes('.test.js'));
  return [String(error?.message ?? error).slice(0, shownCharacters), place?.trim()]
    .filter(Boolean)
    .join('\n    ');
}

function defined(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const skipped = [];
    const failures = [];
    const times = [];
    const files = {};
    let begunMs = 0;
    let begunCpuMs = 0;
    let testCpuMs = cpuMs();
    runner.on('suite', (suite) => {
      if (!suite.parent?.root) return;
      begunMs = performance.now();
      begunCpuMs = cpuMs();
    });
    runner.on('suite end', (suite) => {
      if (!suite.parent?.root) return;
      process.stdout.write('\u001e');
      const { ms, cpu } = files[suite.file] ?? { ms: 0, cpu: 0 };
      files[suite.file] = { ms: ms + performance.now() - begunMs, cpu: cpu + cpuMs() - begunCpuMs };
    });
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.on('fail', (test, error) => failures.push(`${test.fullTitle()}: ${shown(error)}`));
    const record = (runnable) => {
      const now = cpuMs();
      times.push({ title: runnable.fullTitle(), ms: runnable.duration ?? 0, cpu: now - testCpuMs });
      testCpuMs = now;
    };
    runner.on('test end', record);
    runner.on('hook end', record);
    runner.once('end', () => {
      const { passes, failures: failed } = this.stats;
      const summary = JSON.stringify({ passed: passes, failed, failures, skipped, times, files });
      setTimeout(printOpen, openAfterMs).unref();
      if (process.env.SMOLVLM_TEST_SUMMARY) writeFileSync(process.env.SMOLVLM_TEST_SUMMARY, summary);
    });
  }
};
