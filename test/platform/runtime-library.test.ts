import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { buildEmulator } from '../../src/cli/bench/emulator/build-emulator';
import { SystemFiles } from '../../src/platform/recording/system-files';
import { SystemRecorder } from '../../src/platform/recording/system-recorder';
import { writeRecording } from '../../src/platform/recording/system-recording';
import { findRuntimeLibraries, type RuntimeLibrary } from '../../src/platform/runtime-library';
import { englishText } from '../../src/protocol/findings/finding-phrase';
import { useTempFolder } from '../temp-folder';

describe('a runtime library on disk', () => {
  const temp = useTempFolder();
  const path = '/usr/lib/librknnrt.so';

  it('is known by its version, and one that is cut short by its ELF header, also in a recording', async () => {
    const whole = readFileSync(await buildEmulator('rknn'));
    mkdirSync(temp('usr', 'lib'), { recursive: true });
    const found = async (bytes: Uint8Array) => {
      writeFileSync(temp(path), bytes);
      const recorder = new SystemRecorder(temp());
      const [library] = findRuntimeLibraries(recorder, 'rknn', path);
      await writeRecording(temp('recorded'), recorder.recording);
      assert.deepEqual(findRuntimeLibraries(new SystemFiles(temp('recorded')), 'rknn', path), [library]);
      return library;
    };
    assert.deepEqual(await found(whole), { path, version: '2.5.0' });
    const short = (length: number) => `it is cut short: ${length} of ${whole.length} bytes`;
    const fault = (library?: RuntimeLibrary) => englishText(library?.fault ?? '');
    for (const length of [whole.length - 1, whole.length >> 1, 64]) {
      assert.equal(fault(await found(whole.subarray(0, length))), short(length));
    }
    assert.match(fault(await found(whole.subarray(0, 10))), /not a library \(an incomplete download/);
  });
});
