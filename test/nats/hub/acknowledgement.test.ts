import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineClient } from '../../../src/client/engine-client';
import { outcome } from '../../client/outcome';
import { useGate } from '../../inference/gate';
import { type HeardMessage, useNatsFake } from '../nats-fake';

const picture = Buffer.from('a picture');
const second = 1_000_000_000;

/** Acknowledgements, answers and kept answers in the order in which the server received them. */
function shown(heard: readonly HeardMessage[]): string[] {
  return heard.flatMap(({ subject, text }) => {
    if (subject.startsWith('$JS.ACK.smolvlm.')) return text;
    return /^smolvlm\.answers\./.test(subject) ? `answer ${JSON.parse(text).type}` : [];
  });
}

/** An engine that has no room for its first frame. */
function busyOnce(engine: EngineClient): EngineClient {
  let isBusy = true;
  return new Proxy(engine, {
    get: (target, name) => {
      if (name === 'describe' && isBusy) {
        isBusy = false;
        const error = { code: 'engine-busy', message: 'no room' };
        return async ({ id }: { readonly id: string }) => ({ type: 'error', id, error });
      }
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('what a hub tells the server about a frame', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  const gate = useGate();

  async function until(heard: readonly HeardMessage[], last: string | RegExp): Promise<readonly string[]> {
    for (;;) {
      const lines = shown(heard);
      if (lines.some((line) => (typeof last === 'string' ? line === last : last.test(line)))) return lines;
      await delay(5);
    }
  }

  it('is that it is done, after its answer has been published', async () => {
    await fake().hub();
    const heard = await fake().listen('>');
    const final = await fake().client().describe({ prompt: 'x', camera: 'porch' }, [picture]);
    assert.equal(outcome(final), 'result x');
    assert.deepEqual(await until(heard, '+ACK'), ['answer result', '+ACK']);
  });

  it('is that it is done only when the server keeps its answer: a stream that was deleted is made again', async () => {
    await fake().hub({ drainMs: 50, confirmMs: 300 });
    const heard = await fake().listen('>');
    const running = new Promise<void>((resolve) => {
      const onEvent = ({ type }: { readonly type: string }): void => {
        if (type === 'progress') resolve();
      };
      void fake().client().describe({ prompt: gate().prompt, camera: 'porch' }, [picture], { onEvent });
    });
    await running;
    await fake().administer(({ streams }) => streams.delete('smolvlm-answers'));
    gate().open();
    const lines = await until(heard, '+ACK');
    assert.deepEqual([lines[0], lines[1], lines.at(-1)], ['answer result', 'answer result', '+ACK']);
  });

  it('is that it comes back after a second, when the engine has no room', async () => {
    await fake().hub({ wrap: busyOnce });
    const heard = await fake().listen('>');
    const client = fake().client();
    const final = await client.describe({ prompt: 'x', camera: 'porch' }, [picture]);
    assert.equal(outcome(final), 'result x');
    const [status] = await client.hubs();
    assert.deepEqual([status?.returned, status?.redelivered, status?.answered], [1, 1, 1]);
    assert.deepEqual(await until(heard, '+ACK'), [
      `-NAK ${JSON.stringify({ delay: second })}`,
      'answer result',
      '+ACK',
    ]);
  });

  it('is that it comes back after a second, when the hub is stopped before it can finish', async () => {
    const hub = await fake().hub({ drainMs: 50 });
    const heard = await fake().listen('>');
    const client = fake().client();
    let final: Promise<unknown> | undefined;
    await new Promise<void>((resolve) => {
      final = client.describe({ prompt: gate().prompt, camera: 'porch' }, [picture], {
        onEvent: ({ type }) => type === 'progress' && resolve(),
      });
    });
    await hub.close();
    assert.deepEqual(await until(heard, /^-NAK/), [`-NAK ${JSON.stringify({ delay: second })}`]);
    gate().open();
    await fake().hub();
    await final;
  });
});

describe('a hub whose engine works on several frames', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  const gate = useGate();

  it('takes as many as the engine has room for, and the next when one has ended', async () => {
    await fake().hub({ models: ['wide'] });
    const client = fake().client();
    const ask = (prompt: string, camera: string, onEvent = (_type: string): void => {}) =>
      client.describe({ prompt, camera, model: 'wide' }, [picture], { onEvent: ({ type }) => onEvent(type) });
    // How many it has room for is known once the model is loaded.
    assert.equal(outcome(await ask('first', 'first')), 'result first');
    const events = await fake().listen('smolvlm.events.*');
    const taken = (): number => events.filter(({ text }) => JSON.parse(text).type === 'taken').length;
    const finals = Array.from({ length: 6 }, (_, index) => ask(gate().prompt, `camera-${index}`));
    while (taken() < 4) await delay(5);
    let queue = await client.queue();
    while (Object.keys(queue.cameras).length < 6) queue = await client.queue();
    const [status] = await client.hubs();
    assert.deepEqual([status?.working, queue.working, taken()], [4, 4, 4]);
    gate().open();
    assert.deepEqual(new Set((await Promise.all(finals)).map(outcome)), new Set([`result ${gate().prompt}`]));
  });
});
