import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../../src/system/free-port';
import { demoFrame } from '../../fixtures';
import { NatsFake } from '../nats-fake';
import { hasNatsServer } from '../test-server';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const hasClients = spawnSync('mosquitto_pub', ['--help']).error === undefined;

describe('pictures published by MQTT to the queue', function () {
  this.timeout(60_000);
  let fake: NatsFake;
  let port: string;
  let ends: (() => void)[] = [];
  before(async function () {
    if (!hasNatsServer || !hasClients) this.skip();
    port = String(await freePort());
    const config = [
      'server_name: smolvlm-test',
      `mqtt { listen: "127.0.0.1:${port}" }`,
      'mappings {',
      '  "smolvlm.*.describe": "smolvlm.frames._.$1.-.0"',
      '  "frigate.*.*.snapshot": "smolvlm.frames._.$1.$2.0"',
      '}',
    ].join('\n');
    fake = await NatsFake.start({ config });
    await fake.hub({ ackWaitMs: 2_000, drainMs: 50 });
  });
  afterEach(() => {
    for (const end of ends) end();
    ends = [];
  });
  after(() => fake?.close());

  const broker = (): string[] => ['-h', '127.0.0.1', '-p', port, '-V', 'mqttv311'];

  function publish(topic: string, content: string | Buffer, ...options: string[]): void {
    execFileSync('mosquitto_pub', [...broker(), '-t', topic, '-s', ...options], { input: content });
  }

  /** Lines `TOPIC PAYLOAD` from now on. */
  async function subscribe(...topics: string[]): Promise<string[]> {
    const lines: string[] = [];
    const filters = topics.flatMap((topic) => ['-t', topic]);
    // It would keep its lines when it writes to a pipe.
    const command = ['-oL', 'mosquitto_sub', ...broker(), '-d', '-v', '-q', '1', ...filters];
    const reader = spawn('stdbuf', command);
    ends.push(() => void reader.kill());
    let isSubscribed = false;
    let rest = '';
    reader.stdout.setEncoding('utf8').on('data', (text: string) => {
      const received = `${rest}${text}`.split('\n');
      rest = received.pop() ?? '';
      isSubscribed ||= received.some((line) => line.startsWith('Subscribed'));
      lines.push(...received.filter((line) => /^\S+\/\S+ /.test(line)));
    });
    while (!isSubscribed) await delay(5);
    return lines;
  }

  async function line(lines: readonly string[], index: number): Promise<string> {
    while (lines.length <= index) await delay(5);
    return lines[index] ?? '';
  }

  for (const qos of ['0', '1']) {
    it(`answers a picture sent with QoS ${qos} on the camera's topics`, async () => {
      const lines = await subscribe('smolvlm/+/caption', 'smolvlm/+/attributes');
      publish('smolvlm/front_door/describe', street, '-q', qos);
      const attributes = await line(lines, 0);
      assert.ok(attributes.startsWith('smolvlm/front_door/attributes {'), attributes);
      assert.equal(JSON.parse(attributes.slice(attributes.indexOf('{'))).camera, 'front_door');
      assert.match(
        await line(lines, 1),
        new RegExp(`^smolvlm/front_door/caption 1 of ${street.length} bytes: Describe`),
      );
    });
  }

  it('answers the question, the id and the options of JSON', async () => {
    const lines = await subscribe('smolvlm/porch/attributes');
    const image = Buffer.from('a picture').toString('base64');
    publish('smolvlm/porch/describe', JSON.stringify({ image, prompt: 'x', id: 'mine', maxTokens: 5 }));
    const { id, prompt, text } = JSON.parse((await line(lines, 0)).split(' ').slice(1).join(' '));
    assert.deepEqual([id, prompt, text], ['mine', 'x', '1 of 9 bytes: x']);
  });

  it("takes Frigate's snapshots where the server maps their topic", async () => {
    const lines = await subscribe('smolvlm/yard/caption');
    publish('frigate/yard/person/snapshot', street, '-r');
    assert.match(await line(lines, 0), /^smolvlm\/yard\/caption 1 of \d+ bytes/);
  });

  it('takes pictures on the topic of the queue itself, and describes a retained one once', async () => {
    const lines = await subscribe('smolvlm/gate/caption', 'smolvlm/last/caption');
    publish('smolvlm/frames/_/gate/-/0', street, '-r', '-q', '1');
    await line(lines, 0);
    await fake.hub({ drainMs: 50 });
    publish('smolvlm/frames/_/last/-/0', street);
    assert.match(await line(lines, 1), /^smolvlm\/last\/caption/);
  });

  it('reports on the camera’s topic that two hubs ended while they worked on the picture', async () => {
    const lines = await subscribe('smolvlm/cellar/error');
    const events = await fake.listen('smolvlm.events.*');
    const image = Buffer.from('a picture').toString('base64');
    publish('smolvlm/cellar/describe', JSON.stringify({ image, prompt: 'slow 60000', id: 'mine' }));
    for (let lost = 0, seen = 0; lost < 2; lost++) {
      const isTaken = (): boolean =>
        events.slice(seen).some(({ text }) => JSON.parse(text).type === 'progress');
      while (!isTaken()) await delay(5);
      await fake.cutAll();
      seen = events.length;
      await fake.hub({ drainMs: 50 });
    }
    const { camera, error, id } = JSON.parse((await line(lines, 0)).replace(/^\S+ /, ''));
    assert.deepEqual([camera, id, error.code], ['cellar', 'mine', 'nats-hubs-lost']);
    assert.match(error.message, /^2 hubs ended while they worked on this frame$/);
  });

  it('reports on the camera’s topic what cannot be described', async () => {
    const lines = await subscribe('smolvlm/porch/error');
    publish('smolvlm/porch/describe', 'What is there?');
    const { camera, error } = JSON.parse((await line(lines, 0)).replace(/^\S+ /, ''));
    assert.deepEqual([camera, error.code], ['porch', 'mqtt-no-picture']);
  });
});
