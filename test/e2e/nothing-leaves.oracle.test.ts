import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findPython } from '../../src/convert/toolkit/find-python';
import { freePort } from '../../src/system/free-port';
import { writeSmallCheckpoint } from '../convert/small-checkpoint';
import { testToolkit } from '../convert/toolkit/test-toolkit';
import { demoFrame, repositoryRoot } from '../fixtures';
import { startAedes } from '../mqtt/broker/test-broker';
import { Watcher } from '../mqtt/broker/watcher';
import { programOf, thisRuntime } from '../package/test-runtimes';
import { useTracedUser } from './traced-smolvlm';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));

/** onnxruntime looks up its collector's address ten seconds after it was loaded. */
const telemetryMs = 13_000;

describe('nothing leaves the machine, in the long run (needs strace)', function () {
  this.timeout(300_000);
  const user = useTracedUser();

  it('while an engine serves a port and MQTT', async () => {
    const broker = await startAedes();
    const address = `127.0.0.1:${broker.port}`;
    const watcher = await Watcher.connect(broker.port, 4);
    const port = await freePort();
    const serve = user().smolvlm(
      ...[
        'serve',
        '--model',
        'demo',
        '--port',
        `${port}`,
        '--no-token',
        '--mqtt',
        `mqtt://${address}`,
        '--mqtt-version',
        '4',
      ],
    );
    try {
      await serve.says(/the engine listens on/);
      await watcher.on('smolvlm/availability', (state) => state === 'online');
      await watcher.publish('smolvlm/porch/describe', street);
      await watcher.on('smolvlm/porch/caption', (text) => text.length > 0);
      await delay(telemetryMs);
    } finally {
      if (serve.child.exitCode === null) serve.kill('SIGTERM');
      await serve.ended();
      await watcher.close();
      await broker.close();
    }
    assert.equal(serve.child.exitCode, 0, serve.output);
    await user().assertSilent(serve, [`127.0.0.1:${port}`, address]);
  });

  it('while a checkpoint is converted with the toolkit, and validated', async () => {
    const model = join(user().output, 'model');
    const bundle = join(user().output, 'bundle');
    await writeSmallCheckpoint(model, 1);
    const { python } = await testToolkit();
    const convert = user().smolvlm(
      ...['convert', '--model', model, '--out', bundle, '--target', 'rk3588', '--python', python],
    );
    assert.equal(await convert.ended(), 0, convert.output);
    await user().assertSilent(convert);
    const validate = user().smolvlm('validate', bundle, '--backend', 'simulator', '--python', python);
    await validate.ended();
    await user().assertSilent(validate);
  });

  it('while the toolkit is set up, except to the package index that the user chose', async function () {
    if (!(await findPython().catch(() => undefined))) this.skip();
    const asked: string[] = [];
    const index = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => index.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(index.address() as AddressInfo).port}`;
    try {
      // pip asks rustc for its version, and rustup's rustc writes to the home.
      const folders = (process.env.PATH ?? '').split(':').filter((path) => !existsSync(join(path, 'rustc')));
      const variables = { PIP_INDEX_URL: `http://${address}/simple`, PATH: folders.join(':') };
      const setUp = user().smolvlmWith(variables, 'convert', '--setup');
      assert.equal(await setUp.ended(), 1, setUp.output);
      assert.match(setUp.output, /toolkit-set-up/);
      // pip finds out whether this machine has IPv6 by binding a socket to port 0; nothing is sent.
      await user().assertSilent(setUp, [address, '::1:0']);
    } finally {
      index.close();
    }
    assert.ok(asked.length > 0, 'pip asked the index');
    for (const path of asked) assert.match(path, /^\/simple\/[\w.-]+\/$/, 'package names, and nothing else');
  });

  it('while a flow in Node-RED describes a picture with its own engine', async () => {
    const port = await freePort();
    const { node, red } = await programOf(thisRuntime);
    const userDir = join(user().output, 'node-red');
    await mkdir(join(userDir, 'node_modules', '@rk3588'), { recursive: true });
    await symlink(repositoryRoot, join(userDir, 'node_modules', '@rk3588', 'node-red-smolvlm'));
    await writeFile(join(userDir, 'package.json'), '{"name":"project","version":"0.0.1","private":true}');
    await writeFile(join(userDir, 'settings.js'), `module.exports = ${JSON.stringify(settings(port))};`);
    await writeFile(join(userDir, 'flows.json'), JSON.stringify(flow));
    const nodeRed = user().start([node, red, '--userDir', userDir]);
    try {
      await nodeRed.says(/Started flows/);
      const options = { method: 'POST', body: street, headers: { 'content-type': 'image/jpeg' } };
      const answer = await fetch(`http://127.0.0.1:${port}/caption`, options);
      assert.match(await answer.text(), /yellow jacket/);
      await delay(telemetryMs);
    } finally {
      nodeRed.kill('SIGTERM');
      await nodeRed.ended();
    }
    await user().assertSilent(nodeRed, [`127.0.0.1:${port}`]);
  });
});

function settings(port: number): object {
  return {
    uiHost: '127.0.0.1',
    uiPort: port,
    flowFile: 'flows.json',
    credentialSecret: false,
    // Node-RED's own: it asks the package registry for a newer release.
    telemetry: { enabled: false, updateNotification: false },
  };
}

const place = { z: 'tab', x: 100, y: 100 };
const flow = [
  { id: 'tab', type: 'tab', label: 'flow' },
  { id: 'engine', type: 'smolvlm-engine', location: 'local', model: 'demo', idle: '1' },
  { id: 'in', type: 'http in', url: '/caption', method: 'post', ...place, wires: [['caption']] },
  { id: 'caption', type: 'smolvlm-caption', engine: 'engine', ...place, wires: [['text']] },
  {
    ...{ id: 'text', type: 'change', ...place, wires: [['out']] },
    rules: [{ t: 'set', p: 'payload', pt: 'msg', to: 'caption.text', tot: 'msg' }],
  },
  { id: 'out', type: 'http response', ...place, wires: [] },
];
