import assert from 'node:assert/strict';
import helper from 'node-red-node-test-helper';
import { useGate } from '../../inference/gate';
import { startAedes } from '../../mqtt/broker/test-broker';
import { useNatsFake } from '../../nats/nats-fake';
import { MqttFlow, street } from './mqtt-flow';

helper.init(require.resolve('node-red'));

describe('smolvlm-mqtt with a group of hubs', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  const gate = useGate();
  const mqtt = new MqttFlow(
    () => 'http://127.0.0.1:1',
    () => startAedes(),
    4,
  );
  before(() => new Promise<void>((resolve) => helper.startServer(resolve)));
  after(() => new Promise<void>((resolve) => helper.stopServer(() => resolve())));
  beforeEach(async () => {
    await mqtt.connect();
    const group = { id: 'hubs', type: 'smolvlm-engine', location: 'group', url: fake().server.url };
    await mqtt.load({ engine: 'hubs' }, {}, [group]);
    await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online');
  });
  afterEach(() => mqtt.close());

  const ask = (camera: string, request: object): Promise<void> => {
    const image = Buffer.from('a picture').toString('base64');
    return mqtt.watcher.publish(`smolvlm/${camera}/describe`, JSON.stringify({ image, ...request }));
  };

  it('publishes the captions of two hubs that work at the same time', async () => {
    await fake().hub();
    await fake().hub();
    const events = await fake().listen('smolvlm.events.*');
    await ask('porch', { prompt: gate().prompt });
    await ask('gate', { prompt: gate().prompt });
    const working = (): Set<string> => {
      const steps = events.map(({ text }) => JSON.parse(text)).filter(({ type }) => type === 'progress');
      return new Set(steps.map(({ id }) => id));
    };
    await mqtt.until(() => working().size === 2, 'both hubs work');
    gate().open();
    for (const camera of ['porch', 'gate']) {
      const caption = await mqtt.watcher.on(`smolvlm/${camera}/caption`);
      assert.equal(caption.text, `1 of 9 bytes: ${gate().prompt}`);
    }
    await mqtt.watcher.publish('smolvlm/street/describe', street);
    assert.match(
      (await mqtt.watcher.on('smolvlm/street/caption')).text,
      new RegExp(`^1 of ${street.length} bytes`),
    );
    assert.equal(mqtt.received.captions.length, 3);
  });

  it('answers a choice, with the id of the request', async () => {
    await fake().hub();
    await ask('porch', { id: 'mine', prompt: 'x', choices: ['yes', 'no'] });
    const answer = JSON.parse((await mqtt.watcher.on('smolvlm/porch/attributes')).text);
    assert.deepEqual([answer.id, answer.text, answer.choices.length], ['mine', 'yes', 2]);
  });

  it('reports a drop, and an error when no hub has ever used the queue', async () => {
    await ask('porch', { prompt: 'x' });
    const { error } = JSON.parse((await mqtt.watcher.on('smolvlm/porch/error')).text);
    assert.equal(error.code, 'nats-no-hub');
    await fake().hub();
    await ask('porch', { prompt: 'slow 60000', deadline: 0.2 });
    const { dropped } = JSON.parse((await mqtt.watcher.on('smolvlm/porch/dropped')).text);
    assert.equal(dropped, 'deadline');
  });
});
