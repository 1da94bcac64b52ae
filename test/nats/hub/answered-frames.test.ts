import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumerInfo } from '@nats-io/jetstream';
import type { NatsEngine } from '../../../src/nats/client/nats-engine';
import { removeAnswered } from '../../../src/nats/hub/answered-frames';
import { openQueueSource } from '../../../src/nats/hub/queue-source';
import { parseNatsAddress } from '../../../src/nats/nats-address';
import { type NatsLink, openNats } from '../../../src/nats/nats-connection';
import { useCleanup } from '../../cleanup';
import { outcome } from '../../client/outcome';
import { Gate, useGate } from '../../inference/gate';
import { useNatsFake } from '../nats-fake';
import { hasNatsServer, TestNats } from '../test-server';

const picture = Buffer.from('a picture');
const kind = { model: undefined, urgent: false };
const place = { camera: 'porch', group: '', slot: 0 };

describe('an answered frame that the stream holds again after its server has ended', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  const gate = useGate();

  async function until(client: NatsEngine, isSo: (cameras: Readonly<Record<string, number>>) => boolean) {
    // Refused while the server starts.
    const status = () => client.queue().catch(() => undefined);
    for (let queue = await status(); !queue || !isSo(queue.cameras); queue = await status()) await delay(20);
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

  /** Ends the server, and starts it with what its disk held of the stream before. */
  async function restartWith(restore: () => Promise<void>): Promise<void> {
    await fake().server.stop();
    await restore();
    await fake().server.start();
  }

  /** A hub has answered a frame. @returns the client, and a restart of the server that brings the frame back */
  async function answered() {
    await fake().hub();
    const client = fake().client();
    const { taken, end } = send(client, gate().prompt, 'porch');
    await taken;
    const restore = await fake().server.keep('smolvlm', 'porch');
    gate().open();
    await end;
    return { client, restart: () => restartWith(restore) };
  }

  it('is removed by a hub, and the next frame of its camera is described', async () => {
    const { client, restart } = await answered();
    await until(client, isEmpty);
    await restart();
    await until(client, isEmpty);
    assert.equal(await send(client, 'next', 'porch').end, 'result next');
  });

  it('does not keep hubs from new frames, though the stream has lost newer ones', async () => {
    const { client, restart } = await answered();
    for (const camera of ['gate', 'yard', 'garden']) await send(client, camera, camera).end;
    await until(client, isEmpty);
    await restart();
    assert.equal(await send(client, 'next', 'shed').end, 'result next');
    await until(client, isEmpty);
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
      await restartWith(restore);
      await until(client, (cameras) => cameras.gate === 1);
      gate().open();
      assert.equal(await first.end, `result ${gate().prompt}`);
      await until(client, isEmpty);
    } finally {
      other.remove();
    }
  });
});

describe('the removal of answered frames', () => {
  const cleanup = useCleanup();

  /** @param user a login of the server, if it has any */
  async function open({ url }: TestNats, user?: string): Promise<NatsLink> {
    const link = await openNats(
      { ...parseNatsAddress(url), ...(user && { user, password: user }) },
      'a test',
    );
    cleanup(() => link.connection.close());
    return link;
  }

  /** Publishes frames of a camera one after the other, and acknowledges them as hubs do. @returns the consumer then */
  async function answer(link: NatsLink, frames: number): Promise<ConsumerInfo> {
    const { consumer } = await openQueueSource(link, kind, { ackWaitMs: 30_000 });
    for (let count = 0; count < frames; count++) {
      await link.jetstream.publish(link.subjects.frame({ ...kind, ...place }), 'a frame');
      await (await consumer.next())?.ackAck();
    }
    return consumer.info();
  }

  it('leaves the frames of a stream that was made again after its consumer was looked up', async function () {
    if (!hasNatsServer) this.skip();
    const server = await TestNats.start();
    cleanup(() => server.close());
    const link = await open(server);
    const before = await answer(link, 3);
    await link.manager.streams.delete(link.subjects.frameStream);
    await answer(link, 0);
    await link.jetstream.publish(link.subjects.frame({ ...kind, ...place }), 'waits');
    await removeAnswered(link, before);
    assert.equal((await link.manager.streams.info(link.subjects.frameStream)).state.messages, 1);
  });

  it('ends in an error that names the subject, where the login may not read the stream', async function () {
    if (!hasNatsServer) this.skip();
    const denied = '$JS.API.STREAM.MSG.GET.smolvlm';
    const users = `{ user: all, password: all }, { user: some, password: some, permissions: { publish: { deny: "${denied}" } } }`;
    const server = await TestNats.start({
      config: `accounts { A { jetstream: enabled, users: [ ${users} ] } }`,
    });
    cleanup(() => server.close());
    const admin = await open(server, 'all');
    // Waits before the frames that are answered.
    await answer(admin, 0);
    await admin.jetstream.publish(admin.subjects.frame({ ...kind, ...place, model: 'other' }), 'waits');
    await answer(admin, 1);
    await assert.rejects(
      open(server, 'some').then((link) => openQueueSource(link, kind, { ackWaitMs: 30_000 })),
      {
        code: 'nats-permission',
        message: `the NATS server does not permit this login to publish to ${denied}`,
      },
    );
  });
});
