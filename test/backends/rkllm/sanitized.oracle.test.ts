import { buildEmulator } from '../../../src/cli/bench/emulator/build-emulator';
import { passSanitized } from '../sanitized-tests';
import { emulatorDefines } from './emulated-rkllm';

describe('the RKLLM binding on an emulator with sanitizers', function () {
  this.timeout(900_000);

  for (const abi of ['1.2', '1.3'] as const) {
    it(`reads and writes nothing outside its memory with the structures of ${abi}`, async () => {
      const library = await buildEmulator('rkllm', { defines: emulatorDefines(abi), sanitize: true });
      await passSanitized(
        { SMOLVLM_TEST_RKLLM_LIBRARY: library },
        'rkllm/rkllm-decoder.test.js',
        // Tests of silence measure milliseconds, which an instrumented emulator may need for its work.
        `structures of ${abi} (?!leaks neither|stops a run that produces nothing)`,
        13,
      );
    });
  }
});
