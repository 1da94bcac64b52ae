import assert from 'node:assert/strict';
import perf_hooks from 'node:perf_hooks';
import { mock } from 'node:test';
import type { Engine } from '../../src/engine/engine';
import type { SuccessEvent } from '../../src/protocol/events';
import { EngineMetrics } from '../../src/server/metrics';
import { LazyMetrics } from '../../src/server/routes/metrics-route';
import type { ServedEngine } from '../../src/server/serve-engine';
import { serveFake } from './served-fake';

describe("an engine's metrics", () => {
  it('leave out a frame that cannot be counted, and count the others', async () => {
    let report: (done: SuccessEvent) => void = () => {};
    const engine = {
      onDone: (listener: (done: SuccessEvent) => void) => {
        report = listener;
      },
      status: () => ({ cameras: {}, models: [] }),
    };
    const metrics = new LazyMetrics(engine as unknown as Engine);
    for (const image of [1, Number.NaN, 2]) {
      const timingsMs = { image, vision: 1, prefill: 1, decode: 1, total: 1 };
      report({ type: 'result', id: 'a', result: { timingsMs, queuedMs: 1 } } as SuccessEvent);
    }
    const { text } = await metrics.text();
    assert.match(text, /^smolvlm_caption_seconds_count\{part="image"\} 2$/m);
  });

  it('measure the process only once somebody reads them: that wakes it 100 times a second', async () => {
    const enabled = mock.method(perf_hooks, 'monitorEventLoopDelay');
    try {
      const metrics = await EngineMetrics.create();
      assert.equal(enabled.mock.callCount(), 0);
      for (let read = 0; read < 2; read++) {
        assert.match(await metrics.text({ cameras: {}, models: [] }), /^process_cpu_seconds_total /m);
      }
      assert.equal(enabled.mock.callCount(), 1);
    } finally {
      enabled.mock.restore();
    }
  });
});

describe('GET /metrics', () => {
  let served: ServedEngine;
  before(async () => {
    served = await serveFake();
  });
  after(() => served.close());

  async function describeFrame(camera: string, prompt: string): Promise<void> {
    await send({ camera, prompt });
  }

  async function send(request: object): Promise<void> {
    const data = new FormData();
    data.set('request', JSON.stringify({ id: crypto.randomUUID(), ...request }));
    data.append('image', new Blob(['picture']), 'frame.jpg');
    await (await fetch(`${served.url}/v1/frames/describe`, { method: 'POST', body: data })).text();
  }

  /** Value of a series. */
  async function value(series: string): Promise<number | undefined> {
    const response = await fetch(`${served.url}/metrics`);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const line = (await response.text()).split('\n').find((each) => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length));
  }

  it('counts frames by camera and outcome, and times by part', async () => {
    await describeFrame('porch', 'fine');
    await describeFrame('porch', 'fine');
    await describeFrame('yard', 'fail');
    assert.equal(await value('smolvlm_frames{camera="porch",outcome="done"}'), 2);
    assert.equal(await value('smolvlm_frames{camera="yard",outcome="failed"}'), 1);
    assert.equal(await value('smolvlm_frames_waiting{camera="porch"}'), 0);
    assert.equal(await value('smolvlm_caption_seconds_count{part="vision"}'), 2);
    assert.equal(await value('smolvlm_caption_seconds_sum{part="total"}'), 0.008);
    assert.equal(await value('smolvlm_stage_seconds_total{stage="l0_attn"}'), 0.024);
    assert.equal(await value('smolvlm_npu_core_busy_seconds_total{core="1"}'), 0.001);
    assert.equal(await value('smolvlm_fallback_frames_total{code="npu-busy"}'), 2);
    assert.equal(await value('smolvlm_model_bytes{model="fake",backend="fake"}'), 1000);
  });

  it('counts frames that were only encoded apart from captions, and their stages and cores with the others', async () => {
    const captions = await value('smolvlm_caption_seconds_count{part="vision"}');
    const core = (await value('smolvlm_npu_core_busy_seconds_total{core="2"}')) ?? 0;
    await send({ camera: 'lawn', task: 'features' });
    assert.equal(await value('smolvlm_features_seconds_count{part="vision"}'), 1);
    assert.equal(await value('smolvlm_features_seconds_sum{part="total"}'), 0.002);
    assert.equal(await value('smolvlm_caption_seconds_count{part="vision"}'), captions);
    assert.equal(await value('smolvlm_frames{camera="lawn",outcome="done"}'), 1);
    assert.ok(((await value('smolvlm_npu_core_busy_seconds_total{core="2"}')) ?? 0) > core);
  });
});
