import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { EngineClient } from '../../../src/client/engine-client';
import { protocolVersion } from '../../../src/protocol/engine-status';
import { engineSocketPath } from '../../../src/system/files/runtime-dir';
import { demoFrame, repositoryRoot } from '../../fixtures';
import { NodeRedProcess } from '../node-red-process';
import { packedPackage, useSuiteFolder } from '../packed-package';
import { programOf, thisRuntime } from '../test-runtimes';

const run = promisify(execFile);
const newer = '99.0.0';
const packageFile = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
const picture = readFileSync(demoFrame('frame_09_street_day.jpg'));
const cameras = ['a', 'b', 'c', 'd'];

/** Captions over HTTP by an engine on this machine. */
const flow = [
  { id: 'tab', type: 'tab', label: 'captions' },
  { id: 'engine', type: 'smolvlm-engine', location: 'local', model: 'demo', idle: '30' },
  { id: 'in', type: 'http in', z: 'tab', x: 1, y: 1, url: '/caption', method: 'post', wires: [['camera']] },
  {
    ...{ id: 'camera', type: 'change', z: 'tab', x: 1, y: 1, wires: [['caption']] },
    rules: [{ t: 'set', p: 'camera', pt: 'msg', to: 'req.query.camera', tot: 'msg' }],
  },
  { id: 'caption', type: 'smolvlm-caption', z: 'tab', x: 1, y: 1, engine: 'engine', wires: [['told']] },
  {
    ...{ id: 'told', type: 'change', z: 'tab', x: 1, y: 1, wires: [['answer']] },
    rules: [{ t: 'set', p: 'payload', pt: 'msg', to: 'caption', tot: 'msg' }],
  },
  { id: 'catch', type: 'catch', z: 'tab', x: 1, y: 1, wires: [['fault']] },
  {
    ...{ id: 'fault', type: 'change', z: 'tab', x: 1, y: 1, wires: [['answer']] },
    rules: [
      { t: 'set', p: 'payload', pt: 'msg', to: 'error', tot: 'msg' },
      { t: 'set', p: 'statusCode', pt: 'msg', to: '500', tot: 'num' },
    ],
  },
  { id: 'answer', type: 'http response', z: 'tab', x: 1, y: 1, wires: [] },
];

describe('an update with the palette manager while captions run', function () {
  this.timeout(600_000);
  const folder = useSuiteFolder();
  const userDir = join(folder, 'node-red');
  const engines = join(userDir, 'engines');
  let nodeRed: NodeRedProcess | undefined;
  let client: EngineClient;
  let sending = false;
  const answers: string[] = [];
  let sent = 0;

  before(() => {
    client = new EngineClient({ kind: 'socket', path: engineSocketPath(engines, protocolVersion) });
  });
  afterEach(function () {
    if (this.currentTest?.state === 'passed') return;
    const log = readFileSync(join(engines, 'engine.log'), 'utf8').slice(-2000);
    process.stderr.write(
      `${sent} sent, ${JSON.stringify(answers.slice(-12))}\n${log}\n${nodeRed?.log.slice(-3000)}\n`,
    );
  });
  after(async () => {
    sending = false;
    await client.close();
    await nodeRed?.stop();
  });

  async function start(): Promise<NodeRedProcess> {
    const environment = { SMOLVLM_RUNTIME_DIR: engines, ONNXRUNTIME_NODE_INSTALL: 'skip' };
    return await NodeRedProcess.start(await programOf(thisRuntime), userDir, environment);
  }

  async function caption({ url }: NodeRedProcess, camera: string): Promise<void> {
    sent += 1;
    const answer = await fetch(`${url}/caption?camera=${camera}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: picture,
    });
    const text = await answer.text();
    answers.push(answer.status === 200 && JSON.parse(text).text ? 'caption' : `${answer.status} ${text}`);
  }

  /** Captions of four cameras, one after another of each, until `sending` is false. */
  function stream(to: NodeRedProcess): Promise<unknown> {
    sending = true;
    const each = async (camera: string): Promise<void> => {
      while (sending) {
        await caption(to, camera);
        await delay(50);
      }
    };
    return Promise.all(cameras.map(each));
  }

  const engineVersion = async (): Promise<string> => (await client.status()).version;

  /** The same package under another version. */
  async function repacked(): Promise<string> {
    const { file } = await packedPackage();
    const place = join(folder, 'newer');
    mkdirSync(place);
    await run('tar', ['-xzf', file, '-C', place]);
    const changed = join(place, 'package');
    writeFileSync(join(changed, 'package.json'), JSON.stringify({ ...packageFile, version: newer }));
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', place], { cwd: changed });
    return join(place, `rk3588-node-red-smolvlm-${newer}.tgz`);
  }

  it('loses no message: the older engine ends, and one of the newer version answers', async () => {
    const update = await repacked();
    nodeRed = await start();
    await nodeRed.install((await packedPackage()).file);
    await nodeRed.deploy(flow);
    await caption(nodeRed, 'a');
    assert.deepEqual(answers, ['caption']);
    assert.equal(await engineVersion(), packageFile.version);
    const captions = stream(nodeRed);
    await nodeRed.install(update).catch((error: unknown) => {
      // Node-RED 4 answers an update with the nodes that a restart will replace.
      assert.fail(String(error));
    });
    for (let waited = 0; (await engineVersion()) !== newer; waited++) {
      assert.ok(waited < 600, 'no engine of the newer version');
      await delay(100);
    }
    const before = answers.length;
    while (answers.length < before + 8) await delay(50);
    sending = false;
    await captions;
    assert.equal(answers.length, sent);
    assert.deepEqual(
      answers.filter((answer) => answer !== 'caption'),
      [],
    );
  });

  it('has the newer nodes use the same engine after a restart of Node-RED', async () => {
    const { instance } = await client.status();
    await nodeRed?.stop();
    nodeRed = await start();
    await caption(nodeRed, 'a');
    assert.equal(answers.at(-1), 'caption');
    const status = await client.status();
    assert.deepEqual([status.instance, status.version], [instance, newer]);
    assert.equal((await enginesRunning()).length, 1);
  });

  /** Processes that serve a socket in the runtime folder. */
  async function enginesRunning(): Promise<string[]> {
    const { stdout } = await run('ps', ['-eo', 'pid,args']);
    return stdout.split('\n').filter((line) => line.includes(`--socket ${engines}`));
  }
});
