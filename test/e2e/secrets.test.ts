import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { demoFrame, repositoryRoot } from '../fixtures';
import { startAedes, type TestBroker } from '../mqtt/broker/test-broker';
import { NodeRedProcess } from '../package/node-red-process';
import { serveFake } from '../server/served-fake';
import { useTempFolder } from '../temp-folder';
import { lineWith, plant, planted, spellings, withoutTyped } from './planted-secrets';
import { startCameras } from './refusing-cameras';
import { outputOfCommands } from './secrets-commands';
import { flow } from './secrets-flow';

describe('no secret', function () {
  this.timeout(180_000);
  const temp = useTempFolder();
  /** Everything that came out, by where it was found. */
  const outputs = new Map<string, string>();

  function keep(where: string, text: string): void {
    outputs.set(where, `${outputs.get(where) ?? ''}${text}`);
  }

  /** Resolves when each of them has come out there, whole. */
  async function cameOut(where: string, parts: readonly string[]): Promise<void> {
    const missing = (): readonly string[] => parts.filter((part) => !outputs.get(where)?.includes(part));
    for (let waited = 0; missing().length > 0; waited += 20) {
      assert.ok(waited < 60_000, `${where}: missing ${missing().join(', ')}`);
      await delay(20);
    }
  }

  it('that was typed into any field or address comes out anywhere', async () => {
    const cameras = await startCameras();
    const port = (cameras.address() as AddressInfo).port;
    const mqttPassword = plant('broker password');
    const broker = await startAedes({ admit: (_user, password) => password === mqttPassword });
    const token = plant('token of the engine');
    const engine = await serveFake({
      tcp: { host: '127.0.0.1', port: 0, token },
      imageHosts: ['127.0.0.1'],
      log: (line) => keep('log of the engine', `${line}\n`),
    });
    const collector = await startCollector((text) => keep('messages of the flow', text));
    try {
      const { url = '' } = engine;
      await runFlow(port, broker, mqttPassword, { url, token }, (collector.address() as AddressInfo).port);
      await runEngine(url, token, port);
      keep('commands', await outputOfCommands(port, temp));
    } finally {
      collector.close();
      await engine.close();
      await broker.close();
      cameras.closeAllConnections();
      cameras.close();
    }
    assert.ok(planted.size >= 20, `${planted.size} planted`);
    for (const where of [
      'log of Node-RED',
      'messages of the flow',
      'MQTT',
      'flows as exported',
      '/flow/tab',
      'engine check',
      'engine try',
      'engine /metrics',
      'engine /v1/status',
      'engine /v1/models',
      'engine /v1/smolvlm/doctor',
      'engine POST /v1/chat/completions',
      'engine POST /v1/frames/describe',
      'commands',
    ]) {
      assert.ok((outputs.get(where) ?? '').length > 50, `${where}: ${outputs.get(where)}`);
    }
    const found = [...planted].flatMap(([place, secret]) =>
      [...outputs]
        // The editor shows a user's name in its dialog.
        .filter(([where]) => !(place.startsWith('user ') && where.startsWith('credentials')))
        .filter(([, text]) => spellings(secret).some((spelling) => text.includes(spelling)))
        .map(([where, text]) => `${place} in ${where}: ${lineWith(text, secret)}`),
    );
    assert.deepEqual(found, []);
  });

  async function runFlow(
    cameraPort: number,
    broker: TestBroker,
    mqttPassword: string,
    engine: { readonly url: string; readonly token: string },
    collectorPort: number,
  ): Promise<void> {
    const userDir = temp('node-red');
    mkdirSync(join(userDir, 'node_modules', '@rk3588'), { recursive: true });
    symlinkSync(repositoryRoot, join(userDir, 'node_modules', '@rk3588', 'node-red-smolvlm'));
    writeFileSync(join(userDir, 'package.json'), JSON.stringify({ name: 'secrets', private: true }));
    const { nodes, credentials } = flow(cameraPort, broker.port, mqttPassword, engine, collectorPort);
    writeFileSync(join(userDir, 'flows.json'), JSON.stringify(nodes));
    writeFileSync(join(userDir, 'flows_cred.json'), JSON.stringify(credentials));
    const watcher = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, {
      username: 'watcher',
      password: mqttPassword,
    });
    watcher.on('message', (topic, payload) => {
      // What asks is the test's own.
      if (!topic.endsWith('/describe')) keep('MQTT', `${topic} ${payload}\n`);
    });
    await watcher.subscribeAsync('#');
    const red = join(dirname(require.resolve('node-red/package.json')), 'red.js');
    const environment = {
      SMOLVLM_RUNTIME_DIR: temp('run'),
      SMOLVLM_CACHE: temp('cache'),
      HF_TOKEN: plant('HF_TOKEN'),
    };
    const logging = { logging: { console: { level: 'trace', metrics: true, audit: true } } };
    const nodeRed = await NodeRedProcess.start(
      { node: process.execPath, red },
      userDir,
      environment,
      logging,
    );
    try {
      const ask = (camera: string, payload: string): Promise<unknown> =>
        watcher.publishAsync(`smolvlm/${camera}/describe`, payload);
      const password = plant('password in a request’s address');
      // Requests are not kept for a node that has not subscribed yet.
      await cameOut('MQTT', ['smolvlm/availability online']);
      await ask(
        'porch',
        JSON.stringify({ url: `http://127.0.0.1:${cameraPort}/refuses?user=u&password=${password}` }),
      );
      await ask('garden', '');
      await ask('street', '');
      await cameOut(
        'MQTT',
        ['porch', 'garden', 'street'].map((camera) => `smolvlm/${camera}/error {`),
      );
      // The address of camera 5 is malformed: its node does not start.
      const failing = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10].map((index) => `{"topic":"camera ${index}","error":`);
      await cameOut('messages of the flow', [...failing, '"id":"fetches","type":"smolvlm-caption","count"']);
      for (const path of [
        ...['flows', 'flow/tab', 'smolvlm-sidebar/engines', 'settings', 'settings/user', 'nodes', 'plugins'],
        ...['flows/state', 'context/global', 'context/flow/tab', 'library/local/flows', 'diagnostics'],
      ]) {
        const response = await fetch(`${nodeRed.url}/${path}`, { headers: { accept: 'application/json' } });
        keep(path === 'flows' ? 'flows as exported' : `/${path}`, withoutTyped(await response.text()));
      }
      await runEngineDialog(nodeRed.url, engine.url);
      for (const [id] of Object.entries(credentials)) {
        const type = nodes.find((node) => node.id === id)?.type;
        const response = await fetch(`${nodeRed.url}/credentials/${type}/${id}`);
        keep('credentials as the editor gets them', await response.text());
        const sample = await fetch(`${nodeRed.url}/smolvlm-frame/${id}/sample`);
        keep('frame samples', await sample.text());
      }
    } finally {
      await watcher.endAsync();
      await nodeRed.stop();
      keep('log of Node-RED', nodeRed.log);
      for (const file of filesBelow(temp('run'))) keep(`file ${file}`, readFileSync(file, 'latin1'));
      for (const file of filesBelow(temp('cache'))) keep(`file ${file}`, readFileSync(file, 'latin1'));
    }
  }

  /** What the engine's dialog asks, with what was typed and not saved. */
  async function runEngineDialog(url: string, engineUrl: string): Promise<void> {
    const login = `http://u:${plant('login in the address of a dialog')}@127.0.0.1:1`;
    const query = `${engineUrl}/?token=${plant('token in the address of a dialog')}`;
    for (const dialog of [
      { id: 'admitted', location: 'remote', url: engineUrl },
      { id: 'admitted', location: 'remote', url: 'http://127.0.0.1:1' },
      { location: 'remote', url: login },
      { location: 'remote', url: query },
      { location: 'remote', url: engineUrl, token: plant('token typed into a dialog') },
    ]) {
      for (const action of ['check', 'try']) {
        const form = new FormData();
        form.set('dialog', JSON.stringify({ ...dialog, prompt: 'what is it' }));
        form.set('picture', new Blob([readFileSync(demoFrame('frame_05_porch_day.jpg'))]), 'picture.jpg');
        const headers = { 'x-requested-with': 'XMLHttpRequest' };
        const answer = await fetch(`${url}/smolvlm-engine/${action}`, {
          method: 'POST',
          body: form,
          headers,
        });
        keep(`engine ${action}`, await answer.text());
      }
    }
  }

  /** Every endpoint of the engine, with the token, with a wrong one and without one. */
  async function runEngine(url: string, token: string, cameraPort: number): Promise<void> {
    const wrong = plant('wrong token in a header');
    const inQuery = plant('token in a query');
    for (const authorization of [`Bearer ${token}`, `Bearer ${wrong}`, `Basic ${btoa(`u:${wrong}`)}`]) {
      const headers = { authorization };
      const get = async (path: string): Promise<void> => {
        const response = await fetch(`${url}${path}`, { headers });
        keep(
          `engine ${path.split('?')[0]}`,
          `${[...response.headers].join('\n')}\n${await response.text()}\n`,
        );
      };
      const paths = ['/health', '/metrics', '/v1/status', '/v1/models', '/v1/smolvlm/doctor', '/v1/none'];
      // Together: each answer to a wrong token waits longer than the one before.
      await Promise.all(paths.flatMap((path) => [get(path), get(`${path}?token=${inQuery}`)]));
      const post = async (path: string, body: string | FormData): Promise<void> => {
        const type = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
        const response = await fetch(`${url}${path}`, {
          method: 'POST',
          headers: { ...headers, ...type },
          body,
        });
        keep(`engine POST ${path}`, await response.text());
      };
      const camera = `127.0.0.1:${cameraPort}`;
      const [userinfo, query, malformed] = [
        plant('login in an image_url'),
        plant('query of an image_url'),
        plant('malformed image_url'),
      ];
      const addresses = [
        `http://u:${userinfo}@${camera}/refuses`,
        `http://u:${userinfo}@127.0.0.1:1/x`,
        `http://${camera}/page?user=u&password=${query}`,
        `http://${camera}/closes?rs=${query}`,
        `http:u:${malformed}@`,
        `rtsp://u:${malformed}@${camera}/x`,
      ];
      const asks = addresses.flatMap((address) => {
        const content = [
          { type: 'text', text: 'what is it' },
          { type: 'image_url', image_url: { url: address } },
        ];
        const request = { model: 'fake', messages: [{ role: 'user', content }] };
        const form = new FormData();
        form.set('request', JSON.stringify({ id: 'x', prompt: 'what', image: address }));
        form.set('image', new Blob([address]), 'picture.jpg');
        return [post('/v1/chat/completions', JSON.stringify(request)), post('/v1/frames/describe', form)];
      });
      await Promise.all(asks);
    }
    for (const path of ['/metrics', '/v1/status']) {
      const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
      keep(`engine ${path}`, await response.text());
    }
  }
});

async function startCollector(onText: (text: string) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    createInterface({ input: socket }).on('line', (line) => onText(`${line}\n`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function filesBelow(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => statSync(path).isFile() && statSync(path).size < 2 ** 20);
  } catch {
    return [];
  }
}
