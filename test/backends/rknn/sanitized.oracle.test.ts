import { buildEmulator } from '../../../src/cli/bench/emulator/build-emulator';
import { passSanitized } from '../sanitized-tests';

describe('the RKNN binding on an emulator with sanitizers', function () {
  this.timeout(900_000);

  it('reads and writes nothing outside its memory', async () => {
    const library = await buildEmulator('rknn', { sanitize: true });
    // Tests with many runs, and tests that detect a slow stage by milliseconds.
    const slow = 'leaks neither|safe path when|cancelled frame|a stage is slow';
    await passSanitized(
      { SMOLVLM_TEST_RKNN_LIBRARY: library },
      'rknn/rknn-vision-backend.test.js',
      `^(?!.*(${slow}))`,
      21,
    );
  });
});
