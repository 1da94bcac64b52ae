import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { DescribeInput } from '../../../src/client/engine-api';
import type { EngineEvent } from '../../../src/protocol/events';
import { outcome } from '../../client/outcome';
import { useGate } from '../../inference/gate';
import { useNatsFake } from '../nats-fake';

const picture = Buffer.from('a picture');

describe('a frame of a priority above 0 in the shared queue', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  const gate = useGate();
  let abort: AbortController;
  beforeEach(() => {
    abort = new AbortController();
  });

  /** Sends a frame, and waits for an event of it. @returns its end */
  async function send(input: DescribeInput, until: EngineEvent['type']): Promise<{ end: Promise<string> }> {
    let happened = (): void => {};
    const event = new Promise<void>((resolve) => {
      happened = resolve;
    });
    const end = fake()
      .client()
      .describe(input, [picture], {
        signal: abort.signal,
        onEvent: ({ type }) => type === until && happened(),
      })
      .then(outcome);
    await event;
    return { end };
  }

  it('is described while the hub works on another, and before those that wait', async () => {
    await fake().hub();
    const gate = await send({ prompt: 'slow 60000', camera: 'gate' }, 'progress');
    const garden = await send({ prompt: 'x', camera: 'garden' }, 'queued');
    const porch = await send({ prompt: 'ring', camera: 'porch', priority: 1 }, 'queued');
    assert.equal(await porch.end, 'result ring');
    const [hub] = await fake().client().hubs();
    assert.deepEqual([hub?.working, hub?.answered], [1, 1]);
    abort.abort();
    assert.deepEqual(await Promise.all([gate.end, garden.end]), ['dropped cancelled', 'dropped cancelled']);
  });

  it('gives way to a newer one of its camera, and leaves the camera’s other frame waiting', async () => {
    await fake().hub();
    const gate = await send({ prompt: 'slow 60000', camera: 'gate' }, 'progress');
    const bell = await send({ prompt: 'slow 60000', camera: 'bell', priority: 1 }, 'progress');
    const usual = await send({ prompt: 'usual', camera: 'porch' }, 'queued');
    const first = await send({ prompt: 'first', camera: 'porch', priority: 1 }, 'queued');
    const second = await send({ prompt: 'second', camera: 'porch', priority: 5 }, 'queued');
    assert.equal(await first.end, 'dropped superseded');
    assert.deepEqual((await fake().client().queue()).cameras, { bell: 1, gate: 1, porch: 2 });
    abort.abort();
    const ends = await Promise.all([gate, bell, usual, second].map(({ end }) => end));
    assert.deepEqual(new Set(ends), new Set(['dropped cancelled']));
  });

  it('goes to the next hub when the one that works on it is lost', async () => {
    const lost = await fake().hub({ ackWaitMs: 2_000 });
    const porch = await send({ prompt: gate().prompt, camera: 'porch', priority: 1 }, 'progress');
    await lost.cut();
    await fake().hub();
    gate().open();
    assert.equal(await porch.end, `result ${gate().prompt}`);
  });

  it('may come without a requester, on the subject of urgent frames', async () => {
    await fake().hub();
    const captions = await fake().listen('smolvlm.*.caption');
    const gate = await send({ prompt: 'slow 60000', camera: 'gate' }, 'progress');
    const message = { image: picture.toString('base64'), prompt: 'ring', priority: -5 };
    await fake().say('smolvlm.urgent._.porch.-.0', JSON.stringify(message));
    while (captions.length === 0) await delay(5);
    assert.deepEqual(captions, [{ subject: 'smolvlm.porch.caption', text: '1 of 9 bytes: ring' }]);
    abort.abort();
    assert.equal(await gate.end, 'dropped cancelled');
  });
});
