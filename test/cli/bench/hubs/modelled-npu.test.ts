import assert from 'node:assert/strict';
import { ModelledNpu } from '../../../../src/cli/bench/hubs/modelled-npu';
import type { InferenceHooks } from '../../../../src/inference/inference';

describe('ModelledNpu', () => {
  it('encodes other frames while it writes the text of one, and writes one text at a time', async () => {
    const npu = new ModelledNpu({ kind: 'npu', cores: 3, tiles: 2, stageMs: 0, textMs: 60_000 });
    assert.equal(npu.framesInFlight, 4);
    const abort = new AbortController();
    const captions: Promise<unknown>[] = [];
    const encoded = [1, 2].map(
      () =>
        new Promise<void>((resolve) => {
          const onProgress = ({ done, total }: { readonly done: number; readonly total: number }): void => {
            if (done === total) resolve();
          };
          const hooks = { signal: abort.signal, onProgress } as unknown as InferenceHooks;
          captions.push(npu.caption(hooks));
        }),
    );
    await Promise.all(encoded);
    abort.abort();
    const ends = await Promise.allSettled(captions);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
  });

  it('runs each stage of each tile', async () => {
    const npu = new ModelledNpu({ kind: 'npu', cores: 3, tiles: 2, stageMs: 0, textMs: 0 });
    const stages: string[] = [];
    const onProgress = ({ stage }: { readonly stage: string }): void => void stages.push(stage);
    await npu.caption({ signal: new AbortController().signal, onProgress } as unknown as InferenceHooks);
    assert.deepEqual([stages.length, new Set(stages).size], [48, 24]);
  });
});
