import assert from 'node:assert/strict';
import { type ErrorBody, SmolvlmError } from '../../../src/errors';
import { FallbackTower } from '../../../src/inference/npu/fallback-tower';
import { NpuBackoff, pauseMs } from '../../../src/inference/npu/npu-backoff';
import type { TileEncoder } from '../../../src/vision/vision-tower';

describe('FallbackTower', () => {
  let now: number;
  let log: string[];
  let npuFails: boolean;
  const tile = new Float32Array(3);

  beforeEach(() => {
    now = 0;
    log = [];
    npuFails = false;
  });

  function tower(name: string, fails: () => boolean): () => Promise<TileEncoder> {
    return async () => {
      log.push(`open ${name}`);
      return {
        encode: async (_tiles, { signal } = {}) => {
          log.push(name);
          signal?.throwIfAborted();
          if (fails()) throw new SmolvlmError('stage-output', 'no numbers');
          return { tiles: 1, rowsPerTile: 1, width: 1, rows: new Float32Array(1) };
        },
        close: async () => void log.push(`close ${name}`),
      };
    };
  }

  function fallbackTower(earlier?: { failures: number; lastAgeMs: number }): FallbackTower {
    return new FallbackTower({
      openNpu: tower('npu', () => npuFails),
      openCpu: tower('cpu', () => false),
      backoff: new NpuBackoff(
        earlier && { ...earlier, reason: { code: 'npu-deaths', message: 'crashed' } },
        () => now,
      ),
    });
  }

  it('opens the CPU’s tower when it is needed, and gives the reason', async () => {
    const both = fallbackTower();
    assert.equal((await both.encode([tile])).fallback, undefined);
    assert.deepEqual(log, ['open npu', 'npu']);
    npuFails = true;
    assert.deepEqual((await both.encode([tile])).fallback, { code: 'stage-output', message: 'no numbers' });
    assert.deepEqual(log.slice(2), ['npu', 'open cpu', 'cpu']);
    await both.close();
    assert.deepEqual(log.slice(5), ['close npu', 'close cpu']);
  });

  it('uses the CPU while it is told to, opens no NPU for that, and goes back to the NPU at once', async () => {
    let inUse: ErrorBody | undefined = { code: 'npu-shared', message: 'in use' };
    const both = new FallbackTower({
      openNpu: tower('npu', () => npuFails),
      openCpu: tower('cpu', () => false),
      backoff: new NpuBackoff(undefined, () => now),
      useCpu: () => inUse,
    });
    assert.equal((await both.encode([tile])).fallback?.code, 'npu-shared');
    assert.equal(both.fallback?.code, 'npu-shared');
    inUse = undefined;
    assert.equal((await both.encode([tile])).fallback, undefined);
    assert.deepEqual(log, ['open cpu', 'cpu', 'open npu', 'npu']);
  });

  it('tries again to open a CPU’s tower that could not be opened', async () => {
    let full = true;
    const both = new FallbackTower({
      openNpu: tower('npu', () => true),
      openCpu: async () => {
        if (full) throw new SmolvlmError('engine-memory', 'no room');
        return await tower('cpu', () => false)();
      },
      backoff: new NpuBackoff(undefined, () => now),
    });
    await assert.rejects(both.encode([tile]), { code: 'engine-memory' });
    full = false;
    assert.equal((await both.encode([tile])).fallback?.code, 'stage-output');
    await both.close();
  });

  it('pauses the NPU longer after each failure in a row, and uses it again', async () => {
    const both = fallbackTower();
    npuFails = true;
    for (const pause of [15_000, 60_000, 240_000]) {
      await both.encode([tile]);
      assert.equal(log.at(-2) === 'npu' || log.at(-3) === 'npu', true);
      now += pause - 1;
      await both.encode([tile]);
      assert.deepEqual(log.slice(-2), ['cpu', 'cpu'], 'still paused');
      now += 1;
    }
    npuFails = false;
    assert.equal((await both.encode([tile])).fallback, undefined);
    assert.equal(both.fallback, undefined);
    npuFails = true;
    await both.encode([tile]);
    now += pauseMs(1);
    assert.equal(both.fallback, undefined, 'counted from the start again');
  });

  it('counts frames that fail together once', async () => {
    const both = fallbackTower();
    npuFails = true;
    await Promise.all([both.encode([tile]), both.encode([tile]), both.encode([tile])]);
    assert.equal(log.filter((line) => line === 'open cpu').length, 1);
    now += pauseMs(1);
    assert.equal(both.fallback, undefined);
  });

  it('begins on the CPU after a process crashed with the NPU, for the remaining pause', async () => {
    const both = fallbackTower({ failures: 2, lastAgeMs: 50_000 });
    assert.equal((await both.encode([tile])).fallback?.code, 'npu-deaths');
    now += pauseMs(2) - 50_000;
    assert.equal((await both.encode([tile])).fallback, undefined);
    assert.deepEqual(log, ['open cpu', 'cpu', 'open npu', 'npu']);
  });

  it('takes a cancelled frame for no failure', async () => {
    const both = fallbackTower();
    await assert.rejects(
      both.encode([tile], { signal: AbortSignal.abort(new Error('cancelled')) }),
      /cancelled/,
    );
    assert.equal(both.fallback, undefined);
    assert.deepEqual(log, ['open npu', 'npu']);
  });
});
