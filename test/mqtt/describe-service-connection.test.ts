import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { SmolvlmError } from '../../src/errors';
import { ServiceRun, street } from './service-run';

describe('describe service, when it or a connection ends', () => {
  const run = new ServiceRun();
  afterEach(() => run.close());

  it('publishes answers from the time without a connection after it reconnects, and announces itself again', async () => {
    run.start({ discoveryPrefix: 'homeassistant' });
    run.transport.connected = false;
    run.transport.deliver('smolvlm/porch/describe', street);
    await run.ended(1);
    assert.deepEqual(run.transport.topics(), []);
    run.transport.connect();
    assert.deepEqual(run.transport.topics(), [
      'smolvlm/availability',
      'homeassistant/device/smolvlm-porch/config',
      'smolvlm/porch/attributes',
      'smolvlm/porch/caption',
      'smolvlm/porch/picture',
    ]);
    run.transport.published.length = 0;
    run.transport.connect();
    assert.deepEqual(run.transport.topics(), [
      'smolvlm/availability',
      'homeassistant/device/smolvlm-porch/config',
    ]);
  });

  it('publishes offline when it closes, and removes its cameras from Home Assistant when it is deleted', async () => {
    run.start({ discoveryPrefix: 'homeassistant', cameras: [{ name: 'porch' }] });
    await run.service.close(true);
    assert.equal(run.transport.last('homeassistant/device/smolvlm-porch/config'), '');
    assert.equal(run.transport.last('smolvlm/availability'), 'offline');
    assert.ok(run.transport.closed);
    const { length } = run.transport.published;
    run.transport.deliver('smolvlm/porch/describe', street);
    await turn();
    assert.equal(run.transport.published.length, length);
  });

  it('publishes online again when the broker publishes offline for an earlier connection, until it closes', async () => {
    run.start();
    run.transport.deliver('smolvlm/availability', 'offline');
    assert.equal(run.transport.last('smolvlm/availability'), 'online');
    run.transport.published.length = 0;
    run.transport.deliver('smolvlm/availability', 'online');
    run.transport.deliver('smolvlm/availability', 'offline', { retained: true });
    assert.deepEqual(run.transport.topics(), []);
    await run.service.close();
    run.transport.deliver('smolvlm/availability', 'offline');
    assert.equal(run.transport.last('smolvlm/availability'), 'offline');
  });

  it('drops the open requests when it closes, and publishes that before it publishes offline', async () => {
    run.start();
    run.engine.auto = false;
    for (const id of ['1', '2']) {
      run.transport.deliver('smolvlm/porch/describe', { picture: street.toString('base64'), id });
    }
    while (run.engine.asked.length === 0) await turn();
    await run.service.close();
    assert.deepEqual(run.transport.topics(), [
      'smolvlm/porch/dropped',
      'smolvlm/porch/dropped',
      'smolvlm/availability',
    ]);
    assert.deepEqual(
      run.transport.published.slice(0, 2).map(({ payload }) => JSON.parse(String(payload)).dropped),
      ['shutdown', 'shutdown'],
    );
    await turn();
    assert.equal(run.answers.length, 2);
  });

  it('answers with an error when the engine is lost, and uses the next engine for the next request', async () => {
    run.start();
    const describe = run.engine.describe.bind(run.engine);
    run.engine.describe = () => Promise.reject(new SmolvlmError('engine-lost', 'the engine ended'));
    run.transport.deliver('smolvlm/porch/describe', street);
    await run.ended(1);
    assert.equal(JSON.parse(run.transport.last('smolvlm/porch/error') ?? '').error.code, 'engine-lost');
    run.engine.describe = describe;
    run.transport.deliver('smolvlm/porch/describe', street);
    await run.ended(2);
    assert.equal(run.transport.last('smolvlm/porch/caption'), 'answer to: Describe this image.');
  });

  it('publishes drops and errors of the time without a connection when it is back', async () => {
    run.start();
    run.transport.connected = false;
    run.transport.deliver('smolvlm/porch/describe', 'Is it night?');
    await run.ended(1);
    assert.deepEqual(run.transport.topics(), []);
    run.transport.connect();
    assert.equal(JSON.parse(run.transport.last('smolvlm/porch/error') ?? '').error.code, 'mqtt-no-picture');
  });

  it('says that answers of a long time without a connection are not published, and how many', async () => {
    run.start();
    run.transport.connected = false;
    for (let count = 1; count <= 256 + 7; count++) run.transport.deliver('smolvlm/porch/describe', '{', {});
    await run.ended(256 + 7);
    assert.deepEqual(
      run.troubles.map(({ code }) => code),
      ['mqtt-backlog'],
    );
    run.transport.connect();
    await turn();
    assert.equal(run.transport.topics().filter((topic) => topic === 'smolvlm/porch/error').length, 256);
    assert.match(run.troubles[1]?.message ?? '', /^7 messages about drops and errors were not published/);
    run.transport.connect();
    assert.equal(run.troubles.length, 2);
  });
});
