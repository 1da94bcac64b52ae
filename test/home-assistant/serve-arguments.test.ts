import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { command as serve } from '../../src/cli/serve';
import { repositoryRoot } from '../fixtures';

const folder = join(repositoryRoot, 'home-assistant', 'smolvlm');

interface ServeArguments {
  serveArguments(options: object, files: object, broker?: { url: string; password?: string }): string[];
  mqttConfig(options: object): object;
  mqttBroker(options: object, service?: object): { url: string; password?: string } | undefined;
  isHubModel(model: string): boolean;
}

describe("Home Assistant's app, its options as arguments of smolvlm serve", () => {
  let app: ServeArguments;
  const files = {
    token: '/data/token',
    socket: '/run/s',
    password: '/run/p',
    mqttConfig: '/run/m',
    port: 8372,
  };
  const { options } = parse(readFileSync(join(folder, 'config.yaml'), 'utf8')) as {
    options: { model: string };
  };

  before(async () => {
    const path = join(folder, 'rootfs', 'opt', 'smolvlm-app', 'serve-arguments.mjs');
    app = await import(pathToFileURL(path).href);
  });

  it('serves the default options on the port and the socket, with the token file', () => {
    const port = ['--host', '0.0.0.0', '--port', '8372', '--token-file', '/data/token'];
    const expected = [
      'serve',
      '--model',
      options.model,
      '--socket',
      '/run/s',
      ...port,
      '--log-level',
      'info',
    ];
    assert.deepEqual(app.serveArguments(options, files), expected);
  });

  it('passes every other option on, in options that the command has', () => {
    const all = {
      ...options,
      aliases: ['gpt-4o-mini', 'a'],
      cors_origins: ['https://panel.example'],
      allow_image_urls: true,
      announce: false,
      log_level: 'debug',
      precision: 'int4',
      threads: 2,
      queue_capacity: 3,
      model_limit_mb: 2000,
      memory_limit_mb: 4000,
      idle_unload: 0,
    };
    const args = app.serveArguments(all, files, { url: 'mqtt://u@host:1883', password: 'secret' });
    for (const name of args.filter((arg) => arg.startsWith('--')))
      assert.ok(name.slice(2) in serve.options, name);
    const text = args.join(' ');
    for (const expected of [
      '--alias gpt-4o-mini --alias a',
      '--cors-origin https://panel.example',
      '--allow-image-urls',
      '--no-announce',
      '--threads 2 --precision int4 --log-level debug',
      '--queue-capacity 3',
      '--model-limit-mb 2000',
      '--memory-limit-mb 4000',
      '--idle-unload 0',
      '--mqtt mqtt://u@host:1883 --mqtt-password-file /run/p --mqtt-config /run/m',
    ]) {
      assert.ok(text.includes(expected), expected);
    }
    assert.ok(!text.includes('secret'));
  });

  it("uses Home Assistant's broker unless the options name one, and says when there is none", () => {
    const service = { host: 'core-mosquitto', port: 1883, username: 'addons', password: 'p', ssl: false };
    assert.equal(app.mqttBroker({ mqtt: false }, service), undefined);
    assert.deepEqual(app.mqttBroker({ mqtt: true }, service), {
      url: 'mqtt://addons@core-mosquitto:1883',
      password: 'p',
    });
    const own = { mqtt: true, mqtt_broker: 'mqtts://me@other:8883', mqtt_password: 'q' };
    assert.deepEqual(app.mqttBroker(own, service), { url: 'mqtts://me@other:8883', password: 'q' });
    assert.throws(() => app.mqttBroker({ mqtt: true }), /Mosquitto broker/);
  });

  it('makes the MQTT settings from the cameras', () => {
    const cameras = [
      { name: 'porch', title: 'Porch', snapshot: 'http://cam/s.jpg' },
      { name: 'garden', title: '' },
    ];
    assert.deepEqual(app.mqttConfig({ cameras, prompt: '', detail: 'full' }), {
      cameras: [cameras[0], { name: 'garden' }],
      detail: 'full',
    });
  });

  it('downloads models of a hub only', () => {
    assert.deepEqual(
      ['HuggingFaceTB/SmolVLM-256M-Instruct', 'a/b@main', 'demo', '/share/a/b', '/media/x'].map(
        app.isHubModel,
      ),
      [true, true, false, false, false],
    );
  });
});
