import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import sharp from 'sharp';
import { SmolvlmError } from '../../src/errors';
import { prepareFrame } from '../../src/image/prepare-frame';
import type { CameraAnswer } from '../../src/mqtt/camera-request';
import { DescribeService } from '../../src/mqtt/describe-service';
import type { PreparePicture } from '../../src/mqtt/published-picture';
import { mostCameras, type ServiceSettings } from '../../src/mqtt/service-settings';
import { fillPrompt } from '../../src/template/prompt-template';
import { demoFrame, fixture } from '../fixtures';
import { FakeEngine } from './fake-engine';
import { FakeTransport } from './transport/fake-transport';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const garden = readFileSync(demoFrame('frame_08_garden_day.jpg'));

const plain: ServiceSettings = {
  base: 'smolvlm',
  qos: 1,
  cameras: [],
  prompt: 'Describe this image.',
  defaults: {},
  allowAddresses: true,
  publishPicture: true,
};

/** Publishes the bytes of a test as they are. */
const asGiven: PreparePicture = async (jpeg) => ({
  jpeg,
  ...{ width: 1, height: 1, brightness: 0, differenceHash: '' },
});

describe('describe service', () => {
  let transport: FakeTransport;
  let engine: FakeEngine;
  let service: DescribeService;
  let answers: CameraAnswer[];
  let troubles: SmolvlmError[];

  function start(settings: Partial<ServiceSettings> = {}, prepare = asGiven): void {
    transport = new FakeTransport();
    engine = new FakeEngine();
    answers = [];
    troubles = [];
    service = new DescribeService({
      transport,
      engine,
      settings: { ...plain, ...settings },
      version: '1.2.3',
      fillPrompt,
      prepare,
      onTrouble: (error) => troubles.push(error),
      onAnswer: (_request, answer) => answers.push(answer),
    });
    service.start();
    transport.connect();
    transport.published.length = 0;
  }

  /** Waits until so many requests have ended. */
  async function ended(count: number): Promise<void> {
    for (let turns = 0; answers.length < count && turns < 2000; turns++) await turn();
    assert.equal(answers.length, count);
    await turn();
  }

  /** The picture on a topic, once it is published. */
  async function published(topic: string): Promise<Buffer> {
    for (;;) {
      const message = transport.published.find((each) => each.topic === topic);
      if (message) return Buffer.from(message.payload as Uint8Array);
      await turn();
    }
  }

  afterEach(() => service.close());

  it('answers a picture with attributes, caption and then the picture, all retained', async () => {
    start();
    transport.deliver('smolvlm/porch/describe', street);
    await ended(1);
    assert.deepEqual(transport.topics(), [
      'smolvlm/porch/attributes',
      'smolvlm/porch/caption',
      'smolvlm/porch/picture',
    ]);
    assert.ok(transport.published.every(({ retain, qos }) => retain && qos === 1));
    assert.deepEqual(transport.published[2]?.payload, street);
    assert.equal(transport.last('smolvlm/porch/caption'), 'answer to: Describe this image.');
    const attributes = JSON.parse(transport.last('smolvlm/porch/attributes') ?? '');
    assert.equal(attributes.text, 'answer to: Describe this image.');
    assert.equal(attributes.camera, 'porch');
    assert.ok(!Number.isNaN(Date.parse(attributes.capturedAt)));
    assert.deepEqual(engine.asked[0]?.pictures, [street]);
  });

  it('keeps the state within 255 characters and the whole text in the attributes', async () => {
    start();
    engine.auto = false;
    transport.deliver('smolvlm/porch/describe', street);
    for (let turns = 0; engine.asked.length === 0 && turns < 100; turns++) await turn();
    const long = 'a long street '.repeat(40);
    engine.asked[0]?.answer(long);
    await ended(1);
    assert.ok((transport.last('smolvlm/porch/caption') ?? '').length <= 255);
    assert.equal(JSON.parse(transport.last('smolvlm/porch/attributes') ?? '').text, long);
  });

  it('asks a question about the last picture of the camera', async () => {
    start({ prompt: 'What is at the {{camera}}?' });
    transport.deliver('smolvlm/porch/describe', street);
    transport.deliver('smolvlm/porch/describe', 'Is it night?');
    await ended(2);
    transport.deliver('smolvlm/porch/describe', 'PRESS');
    await ended(3);
    assert.deepEqual(
      engine.asked.map(({ request }) => request.prompt),
      ['What is at the porch?', 'Is it night?', 'What is at the porch?'],
    );
    assert.ok(
      engine.asked.every(({ pictures }) => Buffer.compare(pictures[0] ?? Buffer.alloc(0), street) === 0),
    );
  });

  it('runs one request of each camera at a time and keeps the newest waiting', async () => {
    start();
    engine.auto = false;
    for (let frame = 0; frame < 50; frame++) {
      transport.deliver('smolvlm/porch/describe', { picture: street.toString('base64'), id: String(frame) });
      transport.deliver('smolvlm/street/describe', street);
    }
    for (let turns = 0; turns < 20; turns++) await turn();
    assert.equal(engine.asked.length, 2, 'one of each camera');
    await ended(96);
    assert.ok(answers.every((answer) => answer.kind === 'dropped' && answer.reason === 'superseded'));
    engine.auto = true;
    for (const { answer } of engine.asked) answer('seen');
    await ended(100);
    assert.equal(engine.asked.length, 4);
    const last = JSON.parse(transport.last('smolvlm/porch/attributes') ?? '');
    assert.equal(last.id, '49');
    assert.equal(JSON.parse(transport.last('smolvlm/porch/dropped') ?? '').id, '48');
    assert.deepEqual(engine.asked[0]?.request.queue, { policy: 'newest', capacity: 1 });
  });

  it('answers on the response topic only, with the correlation data', async () => {
    start();
    const correlationData = Buffer.from([1, 2, 0, 255]);
    transport.deliver('smolvlm/porch/describe', street, { responseTopic: 'asker/7', correlationData });
    await ended(1);
    assert.deepEqual(transport.topics(), ['asker/7']);
    const [{ payload, retain, correlationData: back, contentType } = assert.fail()] = transport.published;
    assert.deepEqual([retain, back, contentType], [false, correlationData, 'application/json']);
    assert.equal(JSON.parse(String(payload)).text, 'answer to: Describe this image.');
  });

  it('publishes an error on the response topic, and refuses describe topics as response topics', async () => {
    start();
    transport.deliver('smolvlm/porch/describe', '{"prompt": 1', { responseTopic: 'asker/7' });
    await ended(1);
    assert.equal(JSON.parse(transport.last('asker/7') ?? '').error.code, 'mqtt-request');
    for (const responseTopic of ['smolvlm/porch/describe', 'a/#', '$SYS/x']) {
      transport.published.length = 0;
      transport.deliver('smolvlm/porch/describe', street, { responseTopic });
      assert.deepEqual(transport.topics(), ['smolvlm/porch/error']);
      assert.equal(JSON.parse(transport.last('smolvlm/porch/error') ?? '').error.code, 'mqtt-response-topic');
    }
    assert.equal(engine.asked.length, 0);
  });

  it('does not keep the picture of a request with a response topic', async () => {
    start();
    transport.deliver('smolvlm/porch/describe', garden);
    await ended(1);
    transport.deliver('smolvlm/porch/describe', street, { responseTopic: 'asker/7' });
    await ended(2);
    transport.deliver('smolvlm/porch/describe', '');
    await ended(3);
    assert.deepEqual(engine.asked[2]?.pictures, [garden]);
  });

  it('keeps the newest picture of a camera while an older one is still described', async () => {
    start();
    engine.auto = false;
    transport.deliver('smolvlm/porch/describe', street);
    while (engine.asked.length === 0) await turn();
    transport.deliver('smolvlm/porch/describe', garden, { retained: true });
    engine.asked[0]?.answer('of the street');
    await ended(1);
    engine.auto = true;
    transport.deliver('smolvlm/porch/describe', '');
    await ended(2);
    assert.deepEqual(engine.asked[1]?.pictures, [garden]);
  });

  it('remembers a retained picture without describing it', async () => {
    start();
    transport.deliver('smolvlm/porch/describe', garden, { retained: true });
    transport.deliver('smolvlm/porch/describe', 'PRESS', { retained: true });
    assert.equal(engine.asked.length, 0);
    transport.deliver('smolvlm/porch/describe', '');
    await ended(1);
    assert.deepEqual(engine.asked[0]?.pictures, [garden]);
  });

  it('does not publish a masked or cropped picture', async () => {
    start();
    const picture = street.toString('base64');
    const masks = [
      [
        [0, 0],
        [1, 0],
        [1, 1],
      ],
    ];
    transport.deliver('smolvlm/porch/describe', { picture, masks });
    await ended(1);
    assert.deepEqual(transport.topics(), ['smolvlm/porch/attributes', 'smolvlm/porch/caption']);
    assert.deepEqual(engine.asked[0]?.request.masks, masks);
    transport.deliver('smolvlm/porch/describe', 'And now?');
    await ended(2);
    assert.equal(JSON.parse(transport.last('smolvlm/porch/error') ?? '').error.code, 'mqtt-no-picture');
  });

  it('publishes an error with its code and its hint', async () => {
    start();
    engine.auto = false;
    transport.deliver('smolvlm/porch/describe', 'Is it night?');
    await ended(1);
    const { error, camera } = JSON.parse(transport.last('smolvlm/porch/error') ?? '');
    assert.deepEqual([camera, error.code], ['porch', 'mqtt-no-picture']);
    assert.match(error.hint, /snapshot address/);
    transport.deliver('smolvlm/porch/describe', street);
    for (let turns = 0; engine.asked.length === 0 && turns < 100; turns++) await turn();
    const message = 'the JPEG ends early';
    engine.asked[0]?.end({ type: 'error', id: 'id', error: { code: 'image-truncated', message } });
    await ended(2);
    assert.equal(JSON.parse(transport.last('smolvlm/porch/error') ?? '').error.code, 'image-truncated');
    assert.ok(!transport.topics().includes('smolvlm/porch/caption'));
  });

  it('publishes answers from the time without a connection after it reconnects, and announces itself again', async () => {
    start({ discoveryPrefix: 'homeassistant' });
    transport.connected = false;
    transport.deliver('smolvlm/porch/describe', street);
    await ended(1);
    assert.deepEqual(transport.topics(), []);
    transport.connect();
    assert.deepEqual(transport.topics(), [
      'smolvlm/availability',
      'homeassistant/device/smolvlm-porch/config',
      'smolvlm/porch/attributes',
      'smolvlm/porch/caption',
      'smolvlm/porch/picture',
    ]);
    transport.published.length = 0;
    transport.connect();
    assert.deepEqual(transport.topics(), [
      'smolvlm/availability',
      'homeassistant/device/smolvlm-porch/config',
    ]);
  });

  it('publishes offline when it closes, and removes its cameras from Home Assistant when it is deleted', async () => {
    start({ discoveryPrefix: 'homeassistant', cameras: [{ name: 'porch' }] });
    await service.close(true);
    assert.equal(transport.last('homeassistant/device/smolvlm-porch/config'), '');
    assert.equal(transport.last('smolvlm/availability'), 'offline');
    assert.ok(transport.closed);
    const { length } = transport.published;
    transport.deliver('smolvlm/porch/describe', street);
    await turn();
    assert.equal(transport.published.length, length);
  });

  it('publishes pictures without the metadata and the trailing bytes that their files have', async () => {
    start({}, prepareFrame);
    const original = readFileSync(fixture('pictures', 'comment-app15-trailer.jpg'));
    assert.ok(original.includes('serial=ABC123'));
    transport.deliver('smolvlm/porch/describe', original);
    await ended(1);
    const picture = await published('smolvlm/porch/picture');
    for (const hidden of ['serial', 'OWNER', 'gps', 'CamCorp']) assert.ok(!picture.includes(hidden), hidden);
    const pixels = (jpeg: Buffer): Promise<Buffer> => sharp(jpeg).raw().toBuffer();
    assert.deepEqual(await pixels(picture), await pixels(original));
    assert.equal(JSON.parse(transport.last('smolvlm/porch/attributes') ?? '').picture, undefined);
  });

  it('publishes every picture as a JPEG, the type that Home Assistant is told', async () => {
    start({ discoveryPrefix: 'homeassistant' }, prepareFrame);
    transport.deliver('smolvlm/porch/describe', await sharp(street).png().toBuffer());
    await ended(1);
    const picture = await published('smolvlm/porch/picture');
    assert.deepEqual([...picture.subarray(0, 3)], [0xff, 0xd8, 0xff]);
    const config = JSON.parse(transport.last('homeassistant/device/smolvlm-porch/config') ?? '');
    assert.equal(config.components.picture.content_type, 'image/jpeg');
  });

  it('says once why a picture is not published, publishes the caption, and notes it in the attributes', async () => {
    start({}, async () => {
      throw new SmolvlmError('image-child-lost', 'the image process ended');
    });
    for (let count = 1; count <= 2; count++) {
      transport.deliver('smolvlm/porch/describe', street);
      await ended(count);
      assert.equal(JSON.parse(transport.last('smolvlm/porch/attributes') ?? '').picture, 'omitted');
    }
    assert.ok(transport.topics().includes('smolvlm/porch/caption'));
    assert.ok(!transport.topics().includes('smolvlm/porch/picture'));
    assert.deepEqual(
      troubles.map(({ code }) => code),
      ['image-child-lost'],
    );
    assert.match(troubles[0]?.message ?? '', /camera "porch".* is not published: the image process ended/);
  });

  it('publishes online again when the broker publishes offline for an earlier connection, until it closes', async () => {
    start();
    transport.deliver('smolvlm/availability', 'offline');
    assert.equal(transport.last('smolvlm/availability'), 'online');
    transport.published.length = 0;
    transport.deliver('smolvlm/availability', 'online');
    transport.deliver('smolvlm/availability', 'offline', { retained: true });
    assert.deepEqual(transport.topics(), []);
    await service.close();
    transport.deliver('smolvlm/availability', 'offline');
    assert.equal(transport.last('smolvlm/availability'), 'offline');
  });

  it('serves a bounded number of cameras', async () => {
    start();
    for (let camera = 0; camera <= mostCameras; camera++) {
      transport.deliver(`smolvlm/camera${camera}/describe`, street);
    }
    await ended(mostCameras + 1);
    const refused = answers.filter((answer) => answer.kind === 'error');
    assert.deepEqual(
      refused.map((answer) => answer.kind === 'error' && answer.error.code),
      ['mqtt-cameras'],
    );
  });

  describe('with addresses', () => {
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
    afterEach(() => new Promise((resolve) => server.close(resolve)));

    it("fetches the camera's snapshot when the button is pressed", async () => {
      const snapshot = new URL('/cam.jpg', base);
      snapshot.username = 'me';
      snapshot.password = 'secret';
      start({ cameras: [{ name: 'porch', snapshot }] });
      transport.deliver('smolvlm/porch/describe', 'PRESS');
      await ended(1);
      assert.deepEqual(engine.asked[0]?.pictures[0], garden);
      assert.deepEqual(asked, ['/cam.jpg', `/cam.jpg Basic ${Buffer.from('me:secret').toString('base64')}`]);
    });

    it('fetches an address that a request names only when that is allowed', async () => {
      start();
      transport.deliver('smolvlm/porch/describe', { url: `${base.href}a.jpg`, prompt: 'Night?' });
      await ended(1);
      assert.deepEqual([asked, engine.asked[0]?.request.prompt], [['/a.jpg'], 'Night?']);
      await service.close();
      start({ allowAddresses: false });
      transport.deliver('smolvlm/porch/describe', `${base.href}a.jpg`);
      await ended(1);
      assert.equal(
        JSON.parse(transport.last('smolvlm/porch/error') ?? '').error.code,
        'mqtt-address-refused',
      );
      assert.equal(asked.length, 1);
    });

    it('reports an object that Frigate does not have, and publishes nothing', async () => {
      start({ frigate: { prefix: 'frigate', labels: [], url: base } });
      for (const id of ['gone.1', 'gone.2', 'gone.3']) {
        transport.deliver('frigate/tracked_object_update', { type: 'description', id });
      }
      for (let turns = 0; troubles.length < 3 && turns < 2000; turns++) await turn();
      assert.deepEqual(
        troubles.map(({ code, message }) => [code, /gone\.\d: it answered 404/.test(message)]),
        [
          ['mqtt-frigate', true],
          ['mqtt-frigate', true],
          ['mqtt-frigate', true],
        ],
      );
      assert.deepEqual(transport.topics(), []);
    });

    it('shows no secret of a snapshot address in what it publishes or reports', async () => {
      const secrets = ['planted-user', 'planted-password', 'planted-token'];
      const query = `user=${secrets[0]}&password=${secrets[1]}&token=${secrets[2]}`;
      const withLogin = new URL(`/missing?${query}`, base);
      [withLogin.username = '', withLogin.password = ''] = secrets;
      const unreachable = new URL(`http://${secrets[0]}:${secrets[1]}@127.0.0.1:9/a?${query}`);
      start({
        cameras: [
          { name: 'porch', snapshot: withLogin },
          { name: 'hall', snapshot: unreachable },
        ],
      });
      transport.deliver('smolvlm/porch/describe', 'PRESS');
      transport.deliver('smolvlm/hall/describe', 'PRESS');
      transport.deliver('smolvlm/yard/describe', `${base.href}missing?${query}`);
      await ended(3);
      assert.ok(answers.every(({ kind }) => kind === 'error'));
      const said = JSON.stringify([
        answers,
        troubles,
        transport.published.map(({ payload }) => String(payload)),
      ]);
      assert.doesNotMatch(said, /planted/);
    });

    it('fetches the label of an updated object if only some labels are described', async () => {
      const id = '1700000000.1-abc';
      const update = { type: 'face', id, camera: 'porch' };
      start({ frigate: { prefix: 'frigate', labels: ['person'], url: base } });
      transport.deliver('frigate/tracked_object_update', update);
      for (let turns = 0; asked.length < 1 && turns < 2000; turns++) await turn();
      await service.close();
      assert.deepEqual([asked, answers], [[`/api/events/${id}`], []], 'a cat is not a person');
      start({ frigate: { prefix: 'frigate', labels: ['person', 'cat'], url: base } });
      transport.deliver('frigate/tracked_object_update', update);
      await ended(1);
      assert.equal(JSON.parse(transport.last('smolvlm/porch/attributes') ?? '').label, 'cat');
    });

    it('reports once that updates need the address of Frigate', async () => {
      start({ frigate: { prefix: 'frigate', labels: ['person'] } });
      for (const id of ['1', '2']) transport.deliver('frigate/tracked_object_update', { type: 'face', id });
      assert.deepEqual(
        troubles.map(({ code }) => code),
        ['mqtt-frigate'],
      );
    });

    it('describes the object of a Frigate update, asking Frigate for its camera where the update has none', async () => {
      start({ prompt: 'Is it a {{label}}?', frigate: { prefix: 'frigate', labels: [], url: base } });
      const id = '1700000000.1-abc';
      transport.deliver('frigate/tracked_object_update', { type: 'description', id, description: 'A cat.' });
      await ended(1);
      const attributes = JSON.parse(transport.last('smolvlm/porch/attributes') ?? '');
      assert.equal(attributes.text, 'answer to: Is it a cat?');
      assert.deepEqual(attributes.frigate, { type: 'description', id, description: 'A cat.' });
      transport.deliver('frigate/tracked_object_update', { type: 'face', id, camera: 'hall' });
      await ended(2);
      assert.equal(JSON.parse(transport.last('smolvlm/hall/attributes') ?? '').frigate.type, 'face');
      assert.deepEqual(asked, [
        `/api/events/${id}`,
        `/api/events/${id}/snapshot.jpg?crop=1`,
        `/api/events/${id}/snapshot.jpg?crop=1`,
      ]);
    });
  });

  it('answers a request whose name no camera can have on the topic beside it', async () => {
    start();
    for (const name of ['x'.repeat(65), 'front/porch', 'a/b/c', '1/2/3/4/5/6/7/8', 'a//b', '/porch']) {
      transport.published.length = 0;
      transport.deliver(`smolvlm/${name}/describe`, street);
      assert.deepEqual(transport.topics(), [`smolvlm/${name}/error`]);
      const { error } = JSON.parse(transport.last(`smolvlm/${name}/error`) ?? '');
      assert.equal(error.code, 'mqtt-camera-name');
      assert.match(error.message, /1 to 64 characters without/);
    }
    assert.equal(answers.length, 6);
  });

  it('leaves requests alone that belong to a service with a longer base', async () => {
    start();
    for (const base of ['smolvlm/house', 'smolvlm/a/b/c']) {
      transport.deliver(`${base}/availability`, 'online', { retained: true });
      transport.deliver(`${base}/porch/describe`, street);
    }
    await turn();
    assert.deepEqual([transport.topics(), answers], [[], []]);
  });

  it('drops the open requests when it closes, and publishes that before it publishes offline', async () => {
    start();
    engine.auto = false;
    for (const id of ['1', '2']) {
      transport.deliver('smolvlm/porch/describe', { picture: street.toString('base64'), id });
    }
    while (engine.asked.length === 0) await turn();
    await service.close();
    assert.deepEqual(transport.topics(), [
      'smolvlm/porch/dropped',
      'smolvlm/porch/dropped',
      'smolvlm/availability',
    ]);
    assert.deepEqual(
      transport.published.slice(0, 2).map(({ payload }) => JSON.parse(String(payload)).dropped),
      ['shutdown', 'shutdown'],
    );
    await turn();
    assert.equal(answers.length, 2);
  });

  it('answers with an error when the engine is lost, and uses the next engine for the next request', async () => {
    start();
    const describe = engine.describe.bind(engine);
    engine.describe = () => Promise.reject(new SmolvlmError('engine-lost', 'the engine ended'));
    transport.deliver('smolvlm/porch/describe', street);
    await ended(1);
    assert.equal(JSON.parse(transport.last('smolvlm/porch/error') ?? '').error.code, 'engine-lost');
    engine.describe = describe;
    transport.deliver('smolvlm/porch/describe', street);
    await ended(2);
    assert.equal(transport.last('smolvlm/porch/caption'), 'answer to: Describe this image.');
  });

  it('publishes drops and errors of the time without a connection when it is back', async () => {
    start();
    transport.connected = false;
    transport.deliver('smolvlm/porch/describe', 'Is it night?');
    await ended(1);
    assert.deepEqual(transport.topics(), []);
    transport.connect();
    assert.equal(JSON.parse(transport.last('smolvlm/porch/error') ?? '').error.code, 'mqtt-no-picture');
  });

  it('says that answers of a long time without a connection are not published, and how many', async () => {
    start();
    transport.connected = false;
    for (let count = 1; count <= 256 + 7; count++) transport.deliver('smolvlm/porch/describe', '{', {});
    await ended(256 + 7);
    assert.deepEqual(
      troubles.map(({ code }) => code),
      ['mqtt-backlog'],
    );
    transport.connect();
    await turn();
    assert.equal(transport.topics().filter((topic) => topic === 'smolvlm/porch/error').length, 256);
    assert.match(troubles[1]?.message ?? '', /^7 messages about drops and errors are not published/);
    transport.connect();
    assert.equal(troubles.length, 2);
  });

  it('describes Frigate snapshots of the listed labels, each once', async () => {
    start({ frigate: { prefix: 'frigate', labels: ['person', 'dog'] } });
    transport.deliver('frigate/hall/person/snapshot', garden, { retained: true });
    transport.deliver('frigate/hall/person/snapshot', garden);
    transport.deliver('frigate/hall/car/snapshot', street);
    transport.deliver('frigate/hall/person', '1');
    assert.equal(engine.asked.length, 0);
    transport.deliver('frigate/hall/person/snapshot', street);
    await ended(1);
    transport.deliver('frigate/hall/dog/snapshot', garden);
    await ended(2);
    transport.deliver('frigate/hall/person/snapshot', street);
    transport.deliver('frigate/hall/dog/snapshot', garden);
    await turn();
    assert.equal(engine.asked.length, 2);
    assert.equal(JSON.parse(transport.last('smolvlm/hall/attributes') ?? '').label, 'dog');
  });
});
