import assert from 'node:assert/strict';
import type { FetchProgress } from '../../src/protocol/models/model-cache';
import { ModelDownload } from '../../src/server/model-download';

/** A download that the test moves on. */
class Pull {
  report: (progress: FetchProgress) => void = () => {};
  complete: () => void = () => {};
  signal: AbortSignal | undefined;
  readonly download = new ModelDownload(({ signal, onProgress }) => {
    this.signal = signal;
    this.report = onProgress;
    return new Promise<void>((resolve, reject) => {
      this.complete = resolve;
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  });
}

const never = new AbortController().signal;

describe('ModelDownload', () => {
  it('shows a later caller where it is, and ends for all', async () => {
    const pull = new Pull();
    const seen: number[] = [];
    const first = pull.download.watch(() => {}, never);
    pull.report({ doneBytes: 5, totalBytes: 10 });
    const second = pull.download.watch(({ doneBytes }) => seen.push(doneBytes), never);
    pull.report({ doneBytes: 10, totalBytes: 10 });
    pull.complete();
    await Promise.all([first, second]);
    assert.deepEqual(seen, [5, 10]);
  });

  it('goes on while one caller is left, and pauses with the last', async () => {
    const pull = new Pull();
    let ends = 0;
    pull.download.onEnd(() => ends++);
    const leaving = [new AbortController(), new AbortController()];
    const [first, second] = leaving.map(({ signal }) => pull.download.watch(() => {}, signal));
    leaving[0]?.abort();
    await assert.rejects(first ?? assert.fail(), { name: 'AbortError' });
    assert.deepEqual([pull.signal?.aborted, ends], [false, 0]);
    leaving[1]?.abort();
    await assert.rejects(second ?? assert.fail(), { name: 'AbortError' });
    assert.deepEqual([pull.signal?.aborted, ends], [true, 1]);
  });

  it('fails for each caller with the same error', async () => {
    const download = new ModelDownload(() => Promise.reject(new Error('no network')));
    await assert.rejects(
      download.watch(() => {}, never),
      /no network/,
    );
  });
});
