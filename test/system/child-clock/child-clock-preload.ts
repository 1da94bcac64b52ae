import { readFileSync } from 'node:fs';
import { ShiftedClock } from './shifted-clock';

// Loaded before the program of a process, and of each of its worker threads, by the NODE_OPTIONS of a `ChildClock`.
const file = process.env.SMOLVLM_TEST_CLOCK;
if (file !== undefined) {
  const clock = new ShiftedClock();
  const advances = (): readonly string[] => {
    try {
      return readFileSync(file, 'utf8').split('\n').slice(0, -1);
    } catch {
      // The test has ended.
      return [];
    }
  };
  // What was before this process does not concern it.
  let done = advances().length;
  setInterval(() => {
    for (const ms of advances().slice(done)) {
      done += 1;
      clock.advance(Number(ms));
    }
  }, 10).unref();
}
