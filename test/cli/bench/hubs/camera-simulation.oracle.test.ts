import assert from 'node:assert/strict';
import { simulateCameras } from '../../../../src/cli/bench/hubs/camera-simulation';
import { hasNatsServer } from '../../../nats/test-server';

describe('simulated cameras of a shared queue', function () {
  this.timeout(300_000);

  it('have every frame accounted for, and the server measured', async function () {
    if (!hasNatsServer) this.skip();
    const { sent, captions, superseded, others, server } = await simulateCameras({
      cameras: 40,
      hubs: 4,
      captionMs: 200,
      frameBytes: 20_000,
      intervalMs: 1_000,
      durationMs: 4_000,
      signal: new AbortController().signal,
      onProgress: () => {},
    });
    assert.deepEqual(others, {});
    assert.ok(captions > 0 && captions + superseded === sent, `${captions} ${superseded} ${sent}`);
    assert.ok(server.peakRssBytes > 0 && server.peakDiskBytes > 0);
  });
});
