// Mocha's spec output, with a record separator after each suite of the first level; at the end the counts and the time
// of each test and file go, as JSON, to the file named by SMOLVLM_TEST_SUMMARY.
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const skipped = [];
    const times = [];
    const files = {};
    let begun = 0;
    runner.on('suite', (suite) => {
      if (suite.parent?.root) begun = performance.now();
    });
    runner.on('suite end', (suite) => {
      if (!suite.parent?.root) return;
      process.stdout.write('\u001e');
      files[suite.file] = (files[suite.file] ?? 0) + performance.now() - begun;
    });
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    const record = (runnable) => times.push({ title: runnable.fullTitle(), ms: runnable.duration ?? 0 });
    runner.on('test end', record);
    runner.on('hook end', record);
    runner.once('end', () => {
      const { passes, failures } = this.stats;
      const summary = JSON.stringify({ passed: passes, failed: failures, skipped, times, files });
      if (process.env.SMOLVLM_TEST_SUMMARY) writeFileSync(process.env.SMOLVLM_TEST_SUMMARY, summary);
    });
  }
};
