import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { useCleanup } from '../../cleanup';
import { demoFrame, demoModel, repositoryRoot } from '../../fixtures';
import { hasMosquitto, startAedes, startMosquitto, type TestBroker } from '../../mqtt/broker/test-broker';
import { Watcher } from '../../mqtt/broker/watcher';
import { useTempFolder } from '../../temp-folder';
import { runSmolvlmHere } from '../run-smolvlm-here';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));

describe('smolvlm serve --mqtt', function () {
  const cleanup = useCleanup();
  this.timeout(120_000);
  const temp = useTempFolder();
  let broker: TestBroker;
  let watcher: Watcher;
  let child: ChildProcess | undefined;
  let said: string;

  function start(...args: string[]): ChildProcess {
    said = '';
    child = spawn(process.execPath, [`${repositoryRoot}/dist/cli/main.js`, 'serve', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, SMOLVLM_RUNTIME_DIR: temp('run') },
    });
    child.stderr?.on('data', (bytes) => {
      said += bytes;
    });
    return child;
  }

  beforeEach(async () => {
    broker = await startAedes();
    watcher = await Watcher.connect(broker.port, 4);
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await watcher.close();
    await broker.close();
  });

  for (const [name, place] of [
    ['a socket', () => ['--socket', temp('engine.sock')]],
    ['a port', () => ['--port', '0', '--no-token']],
  ] as const) {
    it(`describes with its own engine behind ${name}, and publishes offline when it is asked to end`, async () => {
      const config = { base: 'home/vlm', cameras: [{ name: 'street', title: 'Street' }], discovery: 'ha' };
      writeFileSync(temp('mqtt.json'), JSON.stringify(config));
      const mqtt = ['--mqtt', `mqtt://127.0.0.1:${broker.port}`, '--mqtt-version', '4'];
      const process_ = start(...place(), '--model', demoModel, ...mqtt, '--mqtt-config', temp('mqtt.json'));
      await watcher.on('home/vlm/availability', (text) => text === 'online');
      const device = JSON.parse((await watcher.on('ha/device/home-vlm-street/config')).text);
      await watcher.publish(device.components.describe.command_topic, street);
      const caption = await watcher.on(device.components.caption.state_topic, undefined, 0, 90_000);
      assert.match(caption.text, /^A person in a yellow jacket/, said);
      const exited = once(process_, 'exit');
      process_.kill('SIGTERM');
      assert.deepEqual(await exited, [0, null]);
      await watcher.on('home/vlm/availability', (text) => text === 'offline');
    });
  }

  (hasMosquitto ? it : it.skip)(
    'answers a request of MQTT 5 on its response topic (needs Mosquitto)',
    async () => {
      const newer = await startMosquitto();
      try {
        const client = await Watcher.connect(newer.port, 5);
        start(
          '--socket',
          temp('engine.sock'),
          '--model',
          demoModel,
          '--mqtt',
          `mqtt://127.0.0.1:${newer.port}`,
        );
        await client.on('smolvlm/availability', (text) => text === 'online');
        const correlationData = Buffer.from([7, 0, 255]);
        const properties = { responseTopic: 'answers/me', correlationData };
        await client.publish('smolvlm/street/describe', street, { properties });
        const { text, packet } = await client.on('answers/me', undefined, 0, 90_000);
        assert.match(JSON.parse(text).text, /^A person in a yellow jacket/, said);
        assert.deepEqual(Buffer.from(packet.properties?.correlationData ?? []), correlationData);
        await client.close();
      } finally {
        await newer.close();
      }
    },
  );

  it('has the broker publish offline when it is killed', async () => {
    const mqtt = ['--mqtt', `mqtt://127.0.0.1:${broker.port}`, '--mqtt-version', '4'];
    const process_ = start('--socket', temp('engine.sock'), ...mqtt);
    await watcher.on('smolvlm/availability', (text) => text === 'online');
    process_.kill('SIGKILL');
    await watcher.on('smolvlm/availability', (text) => text === 'offline');
  });

  it('starts without its broker, says so, and connects when the broker is there', async () => {
    await broker.close();
    const mqtt = ['--mqtt', `mqtt://127.0.0.1:${broker.port}`, '--mqtt-version', '4'];
    start('--socket', temp('engine.sock'), ...mqtt);
    const until = async (words: RegExp): Promise<void> => {
      for (let waited = 0; !words.test(said) && waited < 60_000; waited += 20) await delay(20);
      assert.match(said, words);
    };
    await until(/MQTT broker 127\.0\.0\.1:\d+ cannot be used: .*ECONNREFUSED/);
    broker = await startAedes({ port: broker.port });
    await until(/connected to the MQTT broker 127\.0\.0\.1:\d+: smolvlm\/\+\/describe/);
    assert.equal(said.match(/ECONNREFUSED/g)?.length, 1, 'the same failure is logged once');
  });

  it('ends with status 1 when the broker can never be used, and says why', async () => {
    const refusing = await startAedes({ admit: () => false });
    cleanup(() => refusing.close());
    for (const [args, words] of [
      [['--mqtt', `mqtt://me:secret@127.0.0.1:${refusing.port}`, '--mqtt-version', '4'], /mqtt-broker-login/],
      [['--mqtt', `mqtt://127.0.0.1:${broker.port}`], /mqtt-broker-version\][\s\S]*--mqtt-version 4/],
      [['--mqtt', 'mqtt://me:100%@broker'], /mqtt-broker-address\][\s\S]*%25/],
    ] as const) {
      const { status, stderr } = await runSmolvlmHere(['serve', '--socket', temp('engine.sock'), ...args]);
      assert.equal(status, 1, stderr);
      assert.match(stderr, words);
      assert.doesNotMatch(stderr, /secret|100%/);
    }
    const process_ = start('--socket', temp('engine.sock'), '--mqtt', 'mqtt://broker.invalid');
    // Where no name server answers, the name may exist.
    const timer = setTimeout(() => process_.kill('SIGTERM'), 10_000);
    const [code] = await once(process_, 'close');
    clearTimeout(timer);
    assert.match(said, /mqtt-broker-(address|unreachable)/);
    if (!/unreachable/.test(said)) assert.equal(code, 1, said);
  });

  it('names what is wrong with its options', async () => {
    writeFileSync(temp('wrong.json'), '{"cameras": [{"name": "porch", "snapshot": "ftp://x"}]}');
    writeFileSync(temp('misspelt.json'), '{"camera": []}');
    for (const [args, status, words] of [
      [['--mqtt', 'hub'], 1, /mqtt-broker-address/],
      [['--mqtt-version', '5'], 2, /--mqtt is missing/],
      [['--mqtt', 'mqtt://hub', '--mqtt-version', '3'], 2, /expected 4 or 5/],
      [['--mqtt', 'mqtt://hub', '--mqtt-config', temp('wrong.json')], 1, /porch.*ftp:.*mqtt-address/],
      [['--mqtt', 'mqtt://hub', '--mqtt-config', temp('misspelt.json')], 1, /"camera" is unknown/],
      [['--mqtt', 'mqtt://hub', '--mqtt-password-file', temp('none')], 1, /mqtt-password/],
    ] as const) {
      const ended = await runSmolvlmHere(['serve', '--socket', temp('engine.sock'), ...args]);
      assert.match(ended.stderr, words);
      assert.equal(ended.status, status, ended.stderr);
    }
  });
});
