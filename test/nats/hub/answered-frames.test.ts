import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsEngine } from '../../../src/nats/client/nats-engine';
import { outcome } from '../../client/outcome';
import { Gate, useGate } from '../../inference/gate';
import { useNatsFake } from '../nats-fake';

const picture = Buffer.from('a picture');

describe('an answered frame that the stream holds again after its server has ended', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  const gate = useGate();

  async function until(client: NatsEngine, isSo: (cameras: Readonly<Record<string, number>>) => boolean) {
    // Refused while the server starts.
    while (
      !(await client.queue().then(
        ({ cameras }) => isSo(cameras),
        () => false,
      ))
    )
      await delay(20);
  }
  const isEmpty = (cameras: Readonly<Record<string, number>>): boolean => Object.keys(cameras).length === 0;

  function send(client: NatsEngine, prompt: string, camera: string) {
    let working = (): void => {};
    const taken = new Promise<void>((resolve) => {
      working = resolve;
    });
    const onEvent = ({ type }: { readonly type: string }): void => void (type === 'progress' && working());
    return { taken, end: client.describe({ prompt, camera }, [picture], { onEvent }).then(outcome) };
  }

  it('is removed by a hub, and the next frame of its camera is described', async () => {
    await fake().hub();
    const client = fake().client();
    const { taken, end } = send(client, gate().prompt, 'porch');
    await taken;
    const restore = await fake().server.keep('smolvlm', 'porch');
    gate().open();
    await end;
    await until(client, isEmpty);
    await fake().server.stop();
    await restore();
    await fake().server.start();
    await until(client, isEmpty);
    assert.equal(await send(client, 'next', 'porch').end, 'result next');
  });

  it('is removed also when a frame before it was in progress', async () => {
    await fake().hub({ checkMs: 20 });
    await fake().hub({ checkMs: 20 });
    const client = fake().client();
    const first = send(client, gate().prompt, 'porch');
    await first.taken;
    const other = new Gate();
    try {
      const second = send(client, other.prompt, 'gate');
      await second.taken;
      const restore = await fake().server.keep('smolvlm', 'gate');
      other.open();
      await second.end;
      await until(client, (cameras) => cameras.gate === undefined);
      await fake().server.stop();
      await restore();
      await fake().server.start();
      await until(client, (cameras) => cameras.gate === 1);
      gate().open();
      assert.equal(await first.end, `result ${gate().prompt}`);
      await until(client, isEmpty);
    } finally {
      other.remove();
    }
  });
});
