import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DescribeService } from '../../../src/mqtt/describe-service';
import { DescribeTopics } from '../../../src/mqtt/describe-topics';
import { discoveryPayload, discoveryTopic } from '../../../src/mqtt/home-assistant';
import { brokerAddress } from '../../../src/mqtt/transport/broker-address';
import { MqttJsTransport } from '../../../src/mqtt/transport/mqttjs-transport';
import { fillPrompt } from '../../../src/template/prompt-template';
import { demoFrame } from '../../fixtures';
import { hasMosquitto, startMosquitto, type TestBroker } from '../broker/test-broker';
import { Watcher } from '../broker/watcher';
import { FakeEngine } from '../fake-engine';
import { homeAssistantPython, python313 } from './python-environment';
import { type Reported, TestHomeAssistant } from './test-home-assistant';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const is = (wanted: string) => (state: string) => state === wanted;

const possible = hasMosquitto && python313 !== undefined;
(possible ? describe : describe.skip)('Home Assistant (needs Python 3.13 and Mosquitto)', function () {
  this.timeout(300_000);
  let broker: TestBroker;
  let home: TestHomeAssistant;
  let watcher: Watcher;
  let service: DescribeService;
  const topics = new DescribeTopics('smolvlm');

  before(async function () {
    // The first run fetches its hundred packages.
    this.timeout(1_200_000);
    const python = await homeAssistantPython();
    broker = await startMosquitto();
    home = await TestHomeAssistant.start(python, broker.port, '5');
    watcher = await Watcher.connect(broker.port, 5);
    const will = { topic: topics.availability, payload: 'offline', qos: 1, retain: true } as const;
    service = new DescribeService({
      transport: new MqttJsTransport({ broker: brokerAddress(`mqtt://127.0.0.1:${broker.port}`), will }),
      engine: new FakeEngine(),
      settings: {
        base: 'smolvlm',
        qos: 1,
        cameras: [{ name: 'porch', title: 'Front porch' }],
        prompt: 'What is there?',
        defaults: {},
        discoveryPrefix: 'homeassistant',
        allowAddresses: false,
        publishPicture: true,
      },
      version: '1.2.3',
      fillPrompt,
    });
    service.start();
  });
  after(async () => {
    await service?.close();
    await watcher?.close();
    await home?.close();
    await broker?.close();
  });

  it('makes a caption, a picture and a button of a listed camera, without a complaint', async () => {
    for (const entity of [
      'sensor.front_porch_caption',
      'image.front_porch_picture',
      'button.front_porch_describe_now',
    ]) {
      await home.entity(entity, is('unknown'));
    }
    assert.deepEqual(home.complaints(), []);
  });

  it('shows caption, attributes and picture', async () => {
    await watcher.publish('smolvlm/porch/describe', street);
    await home.entity('sensor.front_porch_caption', is('answer to: What is there?'));
    const shown = home.reported.filter(({ entity }) => entity === 'sensor.front_porch_caption').at(-1);
    assert.equal(shown?.attributes?.text, 'answer to: What is there?');
    assert.equal(shown?.attributes?.camera, 'porch');
    assert.equal(typeof shown?.attributes?.timingsMs, 'object');
    await shows(street, 'image/jpeg');
  });

  /** Waits until the image entity has this picture: it comes after the caption. */
  async function shows(picture: Buffer, type: string): Promise<void> {
    const sha256 = createHash('sha256').update(picture).digest('hex');
    for (let shown: Reported = {}; shown.image !== sha256 || shown.type !== type; ) {
      const { length } = home.reported;
      home.tell({ image: 'image.front_porch_picture' });
      shown = await home.until((line) => line.image !== undefined, length);
    }
  }

  it('has an event for each caption, but none for the retained one', async () => {
    const isEvent = ({ entity, attributes }: Reported): boolean =>
      entity === 'event.front_porch_new_caption' && attributes?.event_type === 'caption';
    const { length } = home.reported;
    await watcher.publish('smolvlm/porch/describe', 'Is it open?');
    const { attributes } = await home.until(
      (line) => isEvent(line) && line.attributes?.prompt === 'Is it open?',
      length,
    );
    assert.equal(attributes?.text, 'answer to: Is it open?');
    assert.deepEqual(home.complaints(), []);
  });

  it('describes again when the button is pressed', async () => {
    const { length } = watcher.seen;
    home.tell({ press: 'button.front_porch_describe_now' });
    await watcher.on('smolvlm/porch/caption', undefined, length);
  });

  it('shows the whole of a long caption in the attributes, and its beginning as the state', async () => {
    const { length } = home.reported;
    const question = `Is there ${'a parcel or '.repeat(40)} nothing?`;
    await watcher.publish('smolvlm/porch/describe', question);
    const changed = ({ entity, state }: { entity?: string; state?: string }) =>
      entity === 'sensor.front_porch_caption' && state?.startsWith('answer to: Is there a parcel') === true;
    const { state = '', attributes } = await home.until(changed, length);
    assert.ok(state.length > 200 && state.length <= 255, `${state.length} characters`);
    assert.equal(attributes?.text, `answer to: ${question}`);
    assert.deepEqual(home.complaints(), []);
  });

  it('adds a camera that is not listed', async () => {
    await watcher.publish('smolvlm/Hinter hof/describe', street);
    await home.entity('sensor.hinter_hof_caption', is('answer to: What is there?'));
  });

  it('accepts any base topic, name and title', async () => {
    const below = new DescribeTopics('home/cameras');
    const camera = { name: 'Küche 1', title: 'Kitchen "1"' };
    const payload = discoveryPayload(below, camera, { version: '1.2.3' });
    await watcher.publish(discoveryTopic('homeassistant', below, camera.name), payload);
    await watcher.publish(below.availability, 'online', { retain: true });
    await watcher.publish(below.caption(camera.name), 'A kettle.', { retain: true });
    await home.entity('sensor.kitchen_1_caption', is('A kettle.'));
    assert.deepEqual(home.complaints(), []);
  });

  it('shows the cameras as unavailable when the service has ended', async () => {
    const { length } = home.reported;
    await service.close();
    await home.entity('sensor.front_porch_caption', is('unavailable'), length);
    await home.entity('button.front_porch_describe_now', is('unavailable'), length);
  });

  it('complains about an invalid payload, so that the lack of complaints has a meaning', async () => {
    const { components, ...rest } = discoveryPayload(topics, { name: 'wrong' }, { version: '1' }) as {
      components: Record<string, object>;
    };
    const broken = { ...rest, components: { ...components, caption: { ...components.caption, qos: 7 } } };
    await watcher.publish(discoveryTopic('homeassistant', topics, 'wrong'), broken);
    await home.until(({ log }) => /qos/.test(log ?? ''));
    assert.ok(home.complaints().length > 0);
  });
});
