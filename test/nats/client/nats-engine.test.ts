import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { DescribeFinal, EngineEvent } from '../../../src/protocol/events';
import { outcome } from '../../client/outcome';
import { useGate } from '../../inference/gate';
import { useNatsFake } from '../nats-fake';

const picture = Buffer.from('a picture');

/** Resolves with the first event of a type. */
function eventOf(type: EngineEvent['type']): { onEvent: (event: EngineEvent) => void; seen: Promise<void> } {
  let resolve = (): void => {};
  const seen = new Promise<void>((done) => {
    resolve = done;
  });
  return { onEvent: (event) => event.type === type && resolve(), seen };
}

describe('client of a group of hubs', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  const gate = useGate();

  it('is told when no hub has used the queue, and when none has offered the model', async () => {
    const client = fake().client();
    assert.equal(outcome(await client.describe({ prompt: 'x' }, [picture])), 'error nats-no-hub');
    await assert.rejects(client.status(), { code: 'nats-no-hub' });
    await fake().hub();
    assert.equal(outcome(await client.describe({ prompt: 'x' }, [picture])), 'result x');
    assert.equal(
      outcome(await client.describe({ prompt: 'x', model: 'other' }, [picture])),
      'error nats-no-hub',
    );
  });

  it('has two hubs work at the same time, and adds up what they report', async () => {
    const hubs = [await fake().hub(), await fake().hub()];
    const client = fake().client();
    const abort = new AbortController();
    const both = ['porch', 'garden'].map((camera) => {
      const { onEvent, seen } = eventOf('progress');
      const options = { onEvent, signal: abort.signal };
      return { seen, final: client.describe({ prompt: 'slow 60000', camera }, [picture], options) };
    });
    await Promise.all(both.map(({ seen }) => seen));
    const working = await client.hubs();
    assert.deepEqual(
      working.map(({ working }) => working),
      [1, 1],
    );
    abort.abort();
    for (const { final } of both) assert.equal(outcome(await final), 'dropped cancelled');
    const { cameras, state } = await client.status();
    assert.equal(state, 'ready');
    assert.deepEqual(Object.keys(cameras).sort(), ['garden', 'porch']);
    assert.equal(hubs.length, 2);
  });

  it('tells a requester that the frame of another requester took the place of its own', async () => {
    await fake().hub();
    const [one, other] = [fake().client(), fake().client()];
    const abort = new AbortController();
    const running = eventOf('progress');
    const options = { signal: abort.signal, onEvent: running.onEvent };
    const slow = one.describe({ prompt: 'slow 60000', camera: 'gate' }, [picture], options);
    await running.seen;
    const waiting = eventOf('queued');
    const first = one.describe({ prompt: 'first', camera: 'porch' }, [picture], { onEvent: waiting.onEvent });
    await waiting.seen;
    const second = other.describe({ prompt: 'second', camera: 'porch' }, [picture]);
    assert.equal(outcome(await first), 'dropped superseded');
    abort.abort();
    assert.equal(outcome(await slow), 'dropped cancelled');
    assert.equal(outcome(await second), 'result second');
  });

  it('refuses or drops the new frame when the queue policy says so', async () => {
    await fake().hub();
    const client = fake().client();
    const abort = new AbortController();
    const running = eventOf('progress');
    const options = { signal: abort.signal, onEvent: running.onEvent };
    const slow = client.describe({ prompt: 'slow 60000', camera: 'porch' }, [picture], options);
    await running.seen;
    const send = (policy: 'oldest' | 'reject'): Promise<DescribeFinal> =>
      client.describe({ prompt: 'x', camera: 'porch', queue: { policy, capacity: 1 } }, [picture]);
    assert.equal(outcome(await send('oldest')), 'dropped queue-full');
    assert.equal(outcome(await send('reject')), 'error engine-queue-full');
    abort.abort();
    await slow;
  });

  it('sends pictures above the limit of the server through the Object Store', async () => {
    await fake().hub();
    const final = await fake()
      .client()
      .describe({ prompt: 'x' }, [Buffer.alloc(3_000_000, 7), picture]);
    assert.equal(final.type === 'result' && final.result.text, '2 of 3000000+9 bytes: x');
  });

  it('gets one answer when the hub that has the frame loses its connection', async () => {
    const lost = await fake().hub({ ackWaitMs: 2_000 });
    const client = fake().client();
    const running = eventOf('progress');
    const slow = client.describe({ prompt: gate().prompt, camera: 'porch' }, [picture], {
      onEvent: running.onEvent,
    });
    await running.seen;
    await lost.cut();
    const other = await fake().hub();
    gate().open();
    assert.equal(outcome(await slow), `result ${gate().prompt}`);
    const [status] = await client.hubs();
    assert.equal(status?.redelivered, 1);
    assert.equal((await other.engine.status()).cameras.porch?.done, 1);
  });

  it('gets an error when two hubs have ended while they worked on the frame', async () => {
    const client = fake().client();
    let begun = 0;
    let next = (): void => {};
    const final = (async () => {
      await fake().hub({ ackWaitMs: 2_000, drainMs: 50 });
      return client.describe({ prompt: 'slow 60000', camera: 'porch' }, [picture], {
        onEvent: ({ type }) => {
          if (type === 'progress') next();
        },
      });
    })();
    for (begun = 0; begun < 2; begun++) {
      await new Promise<void>((resolve) => {
        next = resolve;
      });
      await fake().cutLast();
      await fake().hub({ ackWaitMs: 2_000, drainMs: 50 });
    }
    const answer = await final;
    assert.equal(outcome(answer), 'error nats-hubs-lost');
    assert.match(answer.type === 'error' ? answer.error.message : '', /^2 hubs ended while they worked/);
  });

  it('gets the answer of another hub when the first is stopped and cannot finish in time', async () => {
    const first = await fake().hub({ drainMs: 50 });
    const client = fake().client();
    const running = eventOf('progress');
    const slow = client.describe({ prompt: gate().prompt, camera: 'porch' }, [picture], {
      onEvent: running.onEvent,
    });
    await running.seen;
    await fake().hub();
    await first.close();
    gate().open();
    assert.equal(outcome(await slow), `result ${gate().prompt}`);
  });

  it('is answered by the same hub that is stopped when it can finish in time', async () => {
    const only = await fake().hub();
    const client = fake().client();
    const running = eventOf('progress');
    const slow = client.describe({ prompt: gate().prompt }, [picture], { onEvent: running.onEvent });
    await running.seen;
    const closed = only.close();
    gate().open();
    await closed;
    assert.equal(outcome(await slow), `result ${gate().prompt}`);
  });

  it('loses nothing when the server is killed and started again', async () => {
    await fake().hub();
    const client = fake().client();
    const running = eventOf('progress');
    const slow = client.describe({ prompt: gate().prompt, camera: 'gate' }, [picture], {
      onEvent: running.onEvent,
    });
    await running.seen;
    const queued = eventOf('queued');
    const waiting = client.describe({ prompt: 'waiting', camera: 'porch' }, [picture], {
      onEvent: queued.onEvent,
    });
    await queued.seen;
    await fake().server.kill();
    const during = client.describe({ prompt: 'during', camera: 'garden' }, [picture]);
    await fake().server.start();
    gate().open();
    assert.deepEqual((await Promise.all([slow, waiting, during])).map(outcome), [
      `result ${gate().prompt}`,
      'result waiting',
      'result during',
    ]);
  });

  it('keeps the frame that waits to be sent when an answered request of its camera is sent again', async () => {
    await fake().hub();
    const clients = { porch: fake().client(), gate: fake().client() };
    const send = (camera: 'porch' | 'gate', id: string): Promise<string> =>
      clients[camera].describe({ id, prompt: id, camera }, [picture]).then(outcome);
    assert.equal(await send('porch', 'old'), 'result old');
    await clients.gate.open();
    const lost = Object.values(clients).map(
      (client) =>
        new Promise<void>((resolve) => void client.onState((state) => state === 'lost' && resolve())),
    );
    await fake().server.kill();
    await Promise.all(lost);
    const frames = [send('porch', 'new'), send('gate', 'other')];
    // The client that received the answer remembers it; the other looks it up when the server is back.
    assert.equal(await send('porch', 'old'), 'result old');
    const again = send('gate', 'old');
    await fake().server.start();
    assert.equal(await again, 'result old');
    assert.deepEqual(await Promise.all(frames), ['result new', 'result other']);
  });

  it('names a message of the queue that is not a request, tells who can be told, and continues', async () => {
    const hub = await fake().hub();
    const client = fake().client();
    const answers = await fake().listen('smolvlm.answers.*');
    const errors = await fake().listen('smolvlm.*.error');
    const subject = 'smolvlm.frames._.porch.-.0';
    await fake().publish(subject, 'hello');
    await fake().publish(subject, 'hello', { 'Smolvlm-Layout': '1', 'Nats-Msg-Id': 'broken' });
    await fake().publish(subject, 'hello', { 'Smolvlm-Layout': '2', 'Nats-Msg-Id': 'newer' });
    assert.equal(outcome(await client.describe({ prompt: 'x' }, [picture])), 'result x');
    assert.match(
      hub.log.join('\n'),
      new RegExp(
        `${[
          'a message in the queue must contain a picture',
          'not a request: its JSON part is incomplete',
          'expected version 1, received "2"',
        ].join(' \\(smolvlm\\.frames\\._\\.porch\\.-\\.0\\)\n.*')}`,
      ),
    );
    const told = answers.map(({ text }) => JSON.parse(text)).filter(({ type }) => type === 'error');
    assert.deepEqual(
      told.map(({ id, error }) => `${id} ${error.code}`),
      ['broken nats-message', 'newer nats-message'],
    );
    assert.deepEqual(
      errors.map(({ subject, text }) => `${subject} ${JSON.parse(text).error.code}`),
      ['smolvlm.porch.error mqtt-no-picture'],
    );
  });

  it('ignores what other programs say on its subjects', async () => {
    await fake().hub();
    const client = fake().client();
    await client.status();
    const states: string[] = [];
    client.onState((state) => states.push(state));
    const running = eventOf('progress');
    const final = client.describe({ id: 'mine', prompt: gate().prompt }, [picture], {
      onEvent: running.onEvent,
    });
    await running.seen;
    for (const text of ['null', 'hello', '7', '{}', '{"subject":7}']) {
      for (const subject of ['newest.x', 'events.mine', 'cancels.mine', 'cancel.mine']) {
        await fake().say(`smolvlm.${subject}`, text);
      }
    }
    gate().open();
    assert.equal(outcome(await final), `result ${gate().prompt}`);
    assert.deepEqual(states, []);
  });

  it('never opens a path that a request names', async () => {
    await fake().hub();
    const client = fake().client();
    const runtime = { checkpoint: '/etc' };
    const final = await client.describe({ prompt: 'x', runtime }, [picture]);
    assert.equal(outcome(final), 'result x');
    assert.equal(outcome(await client.describe({ model: '/etc' }, [picture])), 'error nats-no-hub');
  });

  it('is answered once when the process of a hub is killed in the middle of its work', async () => {
    const client = fake().client();
    const process1 = spawnHub(fake().server.url);
    await process1.ready;
    const running = eventOf('progress');
    const slow = client.describe({ prompt: gate().prompt, camera: 'porch' }, [picture], {
      onEvent: running.onEvent,
    });
    await running.seen;
    process1.child.kill('SIGKILL');
    await once(process1.child, 'exit');
    await fake().hub();
    gate().open();
    assert.equal(outcome(await slow), `result ${gate().prompt}`);
  });
});

function spawnHub(url: string) {
  const child = spawn(process.execPath, [join(__dirname, '..', 'fake-hub-main.js'), url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, ready: once(child.stdout, 'data') };
}
