import assert from 'node:assert/strict';
import { benchmarkOverhead } from '../../../src/cli/bench/engine-overhead';

describe('what bench prints of the engine’s overhead', function () {
  this.timeout(120_000);

  it('is measured on captions by the socket and by TCP, from an engine in its own process', async () => {
    const { socket, tcp, status, ...measured } = await benchmarkOverhead(3, new AbortController().signal);
    for (const { p50Ms, p99Ms, maxMs } of [socket, tcp, status]) {
      assert.ok(p50Ms > 0 && p99Ms >= p50Ms && maxMs >= p99Ms, `${p50Ms} ${p99Ms} ${maxMs}`);
    }
    assert.equal(measured.captions, 3);
    assert.ok(Math.abs(measured.frameBytes - 200_000) < 20_000, `${measured.frameBytes} bytes`);
  });

  it('is not measured any longer when bench is interrupted', async () => {
    const abort = new AbortController();
    abort.abort(new Error('interrupted'));
    await assert.rejects(benchmarkOverhead(3, abort.signal));
  });
});
