import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { garden, ServiceRun, street } from './service-run';

describe('describe service with addresses and Frigate', () => {
  const run = new ServiceRun();

  let server: Server;
  let base: URL;
  let asked: string[];
  beforeEach(async () => {
    asked = [];
    server = createServer(({ url = '', headers }, response) => {
      asked.push(`${url} ${headers.authorization ?? ''}`.trim());
      if (url === '/api/events/1700000000.1-abc') response.end('{"camera":"porch","label":"cat"}');
      else if (url === '/cam.jpg' && headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' }).end();
      } else if (/\.jpg/.test(url)) response.end(garden);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  afterEach(async () => {
    await run.close();
    const closed = new Promise((resolve) => server.close(resolve));
    // A connection whose request was given up stays open in the client's pool for 4 s.
    server.closeAllConnections();
    await closed;
  });

  it("fetches the camera's snapshot when the button is pressed", async () => {
    const snapshot = new URL('/cam.jpg', base);
    snapshot.username = 'me';
    snapshot.password = 'secret';
    run.start({ cameras: [{ name: 'porch', snapshot }] });
    run.transport.deliver('smolvlm/porch/describe', 'PRESS');
    await run.ended(1);
    assert.deepEqual(run.engine.asked[0]?.pictures[0], garden);
    assert.deepEqual(asked, ['/cam.jpg', `/cam.jpg Basic ${Buffer.from('me:secret').toString('base64')}`]);
  });

  it('fetches an address that a request names only when that is allowed', async () => {
    run.start();
    run.transport.deliver('smolvlm/porch/describe', { url: `${base.href}a.jpg`, prompt: 'Night?' });
    await run.ended(1);
    assert.deepEqual([asked, run.engine.asked[0]?.request.prompt], [['/a.jpg'], 'Night?']);
    await run.service.close();
    run.start({ allowAddresses: false });
    run.transport.deliver('smolvlm/porch/describe', `${base.href}a.jpg`);
    await run.ended(1);
    assert.equal(
      JSON.parse(run.transport.last('smolvlm/porch/error') ?? '').error.code,
      'mqtt-address-refused',
    );
    assert.equal(asked.length, 1);
  });

  it('reports an object that Frigate does not have, and publishes nothing', async () => {
    run.start({ frigate: { prefix: 'frigate', labels: [], url: base } });
    for (const id of ['gone.1', 'gone.2', 'gone.3']) {
      run.transport.deliver('frigate/tracked_object_update', { type: 'description', id });
    }
    while (run.troubles.length < 3) await turn();
    assert.deepEqual(
      run.troubles.map(({ code, message }) => [code, /gone\.\d: it answered 404/.test(message)]),
      [
        ['mqtt-frigate', true],
        ['mqtt-frigate', true],
        ['mqtt-frigate', true],
      ],
    );
    assert.deepEqual(run.transport.topics(), []);
  });

  it('shows no secret of a snapshot address in what it publishes or reports', async () => {
    const secrets = ['planted-user', 'planted-password', 'planted-token'];
    const query = `user=${secrets[0]}&password=${secrets[1]}&token=${secrets[2]}`;
    const withLogin = new URL(`/missing?${query}`, base);
    [withLogin.username = '', withLogin.password = ''] = secrets;
    const unreachable = new URL(`http://${secrets[0]}:${secrets[1]}@127.0.0.1:9/a?${query}`);
    run.start({
      cameras: [
        { name: 'porch', snapshot: withLogin },
        { name: 'hall', snapshot: unreachable },
      ],
    });
    run.transport.deliver('smolvlm/porch/describe', 'PRESS');
    run.transport.deliver('smolvlm/hall/describe', 'PRESS');
    run.transport.deliver('smolvlm/yard/describe', `${base.href}missing?${query}`);
    await run.ended(3);
    assert.ok(run.answers.every(({ kind }) => kind === 'error'));
    const said = JSON.stringify([
      run.answers,
      run.troubles,
      run.transport.published.map(({ payload }) => String(payload)),
    ]);
    assert.doesNotMatch(said, /planted/);
  });

  it('shows no login of the address of Frigate', async () => {
    const url = new URL('http://me:planted@127.0.0.1:1/');
    run.start({ frigate: { prefix: 'frigate', labels: [], url } });
    run.transport.deliver('frigate/tracked_object_update', { type: 'face', id: '1700000000.1-abc' });
    while (run.troubles.length < 1) await turn();
    assert.equal(run.troubles[0]?.code, 'mqtt-frigate');
    const told = `${run.troubles[0]?.message} ${run.troubles[0]?.hint}`;
    assert.ok(told.includes('127.0.0.1:1') && !told.includes('planted'), told);
  });

  it('fetches the label of an updated object if only some labels are described', async () => {
    const id = '1700000000.1-abc';
    const update = { type: 'face', id, camera: 'porch' };
    run.start({ frigate: { prefix: 'frigate', labels: ['person'], url: base } });
    run.transport.deliver('frigate/tracked_object_update', update);
    while (asked.length < 1) await turn();
    await run.service.close();
    assert.deepEqual([asked, run.answers], [[`/api/events/${id}`], []], 'a cat is not a person');
    run.start({ frigate: { prefix: 'frigate', labels: ['person', 'cat'], url: base } });
    run.transport.deliver('frigate/tracked_object_update', update);
    await run.ended(1);
    assert.equal(JSON.parse(run.transport.last('smolvlm/porch/attributes') ?? '').label, 'cat');
  });

  it('reports once that updates need the address of Frigate', async () => {
    run.start({ frigate: { prefix: 'frigate', labels: ['person'] } });
    for (const id of ['1', '2']) run.transport.deliver('frigate/tracked_object_update', { type: 'face', id });
    assert.deepEqual(
      run.troubles.map(({ code }) => code),
      ['mqtt-frigate'],
    );
  });

  it('describes the object of a Frigate update, asking Frigate for its camera where the update has none', async () => {
    run.start({ prompt: 'Is it a {{label}}?', frigate: { prefix: 'frigate', labels: [], url: base } });
    const id = '1700000000.1-abc';
    run.transport.deliver('frigate/tracked_object_update', {
      type: 'description',
      id,
      description: 'A cat.',
    });
    await run.ended(1);
    const attributes = JSON.parse(run.transport.last('smolvlm/porch/attributes') ?? '');
    assert.equal(attributes.text, 'answer to: Is it a cat?');
    assert.deepEqual(attributes.frigate, { type: 'description', id, description: 'A cat.' });
    run.transport.deliver('frigate/tracked_object_update', { type: 'face', id, camera: 'hall' });
    await run.ended(2);
    assert.equal(JSON.parse(run.transport.last('smolvlm/hall/attributes') ?? '').frigate.type, 'face');
    assert.deepEqual(asked, [
      `/api/events/${id}`,
      `/api/events/${id}/snapshot.jpg?crop=1`,
      `/api/events/${id}/snapshot.jpg?crop=1`,
    ]);
  });

  it('describes Frigate snapshots of the listed labels, each once', async () => {
    run.start({ frigate: { prefix: 'frigate', labels: ['person', 'dog'] } });
    run.transport.deliver('frigate/hall/person/snapshot', garden, { retained: true });
    run.transport.deliver('frigate/hall/person/snapshot', garden);
    run.transport.deliver('frigate/hall/car/snapshot', street);
    run.transport.deliver('frigate/hall/person', '1');
    assert.equal(run.engine.asked.length, 0);
    run.transport.deliver('frigate/hall/person/snapshot', street);
    await run.ended(1);
    run.transport.deliver('frigate/hall/dog/snapshot', garden);
    await run.ended(2);
    run.transport.deliver('frigate/hall/person/snapshot', street);
    run.transport.deliver('frigate/hall/dog/snapshot', garden);
    await turn();
    assert.equal(run.engine.asked.length, 2);
    assert.equal(JSON.parse(run.transport.last('smolvlm/hall/attributes') ?? '').label, 'dog');
  });
});
