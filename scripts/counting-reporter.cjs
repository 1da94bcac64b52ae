// Mocha's spec output; at the end the counts go, as JSON, to the file named by SMOLVLM_TEST_SUMMARY.
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const skipped = [];
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.once('end', () => {
      const { passes, failures } = this.stats;
      const summary = JSON.stringify({ passed: passes, failed: failures, skipped });
      if (process.env.SMOLVLM_TEST_SUMMARY) writeFileSync(process.env.SMOLVLM_TEST_SUMMARY, summary);
    });
  }
};
