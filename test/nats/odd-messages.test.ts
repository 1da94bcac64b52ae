import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeFrame } from '../../src/nats/frame-message';
import { outcome } from '../client/outcome';
import { useNatsFake } from './nats-fake';

const picture = Buffer.from('a picture');
const layout = { 'Smolvlm-Layout': '1' };
const long = 'x'.repeat(5_000);

describe('names that do not fit into a subject as they are', function () {
  this.timeout(60_000);
  const fake = useNatsFake();

  it('reach the hub unchanged, and are shown so while they wait', async () => {
    await fake().hub();
    const client = fake().client();
    for (const camera of [
      'Küche',
      '門/口',
      'a.b c',
      '*',
      '>',
      '-',
      '$JS.API.>',
      '_',
      'frames',
      '=2E',
      '📷',
    ]) {
      const final = await client.describe({ prompt: 'x', camera }, [picture]);
      assert.equal(final.type === 'result' && final.result.camera, camera);
    }
  });

  it('end the request at once when they are too long, and leave the connection open', async () => {
    await fake().hub();
    const client = fake().client();
    const states: string[] = [];
    await client.open();
    client.onState((state) => states.push(state));
    const odd = [
      { camera: long },
      { id: long },
      { id: '' },
      { model: long },
      { queue: { group: long } },
      { camera: 5 },
    ];
    for (const fields of odd) {
      const final = await client.describe({ prompt: 'x', ...fields } as object, [picture]);
      assert.equal(outcome(final), 'error request-invalid');
    }
    assert.equal(outcome(await client.describe({ prompt: 'next' }, [picture])), 'result next');
    assert.deepEqual(states, []);
  });
});

describe('messages that no client of smolvlm sends', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  const subject = 'smolvlm.frames._.porch.-.0';

  function frame(request: object, pictures: readonly Uint8Array[] = [picture]): Uint8Array {
    return encodeFrame({ request: request as never, pictures });
  }

  it('leave the queue with an error in the log, and the hub goes on', async () => {
    const hub = await fake().hub();
    const messages: [string, Uint8Array | string, Record<string, string>?][] = [
      ['random bytes', randomBytes(2_000), layout],
      ['nothing', '', layout],
      ['a length beyond its end', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7b]), layout],
      ['a picture cut short', frame({ id: 'cut' }).subarray(0, -3), layout],
      ['a long id', frame({ id: long }), layout],
      ['a long id in a header', 'x', { ...layout, 'Nats-Msg-Id': long }],
      ['a number for an id', frame({ id: 7 }), layout],
      ['an object that is not there', '', { ...layout, 'Smolvlm-Object': 'gone' }],
      ['a long layout', 'x', { 'Smolvlm-Layout': long }],
    ];
    for (const [what, content, headers] of messages) {
      const before = hub.log.length;
      await fake().publish(subject, content, headers);
      while (hub.log.length === before) await delay(5);
      assert.match(hub.log.at(-1) ?? '', /\(smolvlm\.frames\._\.porch\.-\.0\)$/, what);
    }
    assert.equal(outcome(await fake().client().describe({ prompt: 'x' }, [picture])), 'result x');
  });

  it('end with the error of the engine when a field is wrong', async () => {
    await fake().hub();
    const answers = await fake().listen('smolvlm.answers.*');
    for (const [id, fields] of Object.entries({
      one: { priority: 'high' },
      two: { runtime: 'fast' },
      three: { colour: 'red' },
    })) {
      await fake().publish(subject, frame({ prompt: 'x', ...fields, id }), layout);
    }
    while (answers.length < 3) await delay(5);
    const ends = answers.map(({ text }) => JSON.parse(text));
    assert.deepEqual(
      ends.map(({ id, type, error }) => `${id} ${type} ${error?.code}`),
      ['one', 'two', 'three'].map((id) => `${id} error request-invalid`),
    );
  });

  it('are questions to a hub without a place for the reply', async () => {
    const hub = await fake().hub();
    const { instance } = await hub.engine.status();
    for (const each of ['hubs.status', 'hubs.doctor', `hub.${instance}`, 'cancel.x']) {
      await fake().say(`smolvlm.${each}`, 'x');
    }
    assert.equal((await fake().client().hubs()).length, 1);
    assert.equal(outcome(await fake().client().describe({ prompt: 'x' }, [picture])), 'result x');
  });
});
