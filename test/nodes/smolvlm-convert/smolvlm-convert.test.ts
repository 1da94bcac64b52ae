import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import convertNode from '../../../nodes/smolvlm-convert/smolvlm-convert';
import { writeSmallCheckpoint } from '../../convert/small-checkpoint';
import { testToolkit } from '../../convert/toolkit/test-toolkit';
import { setEnvironment } from '../../environment';
import { demoFrame } from '../../fixtures';
import { statusShown } from '../status-shown';

helper.init(require.resolve('node-red'));

type Received = NodeMessage & {
  payload: Record<string, unknown>;
  error?: { code?: string; message: string };
};

const catchNode: unknown = createRequire(__filename)('@node-red/nodes/core/common/25-catch.js');

describe('smolvlm-convert', function () {
  this.timeout(120_000);
  let folder: string;
  let python: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smolvlm-convert-node-'));
    ({ python } = await testToolkit());
    await writeSmallCheckpoint(join(folder, 'small'), 1);
    await mkdir(join(folder, 'frames'));
    await cp(demoFrame('frame_01_driveway_day.jpg'), join(folder, 'frames', 'frame.jpg'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  beforeEach((done) => {
    helper.startServer(done);
  });
  afterEach(async () => {
    await helper.unload();
    await new Promise<void>((resolve) => helper.stopServer(() => resolve()));
  });

  async function load(dialog: object) {
    const flow = [
      { id: 'tab', type: 'tab' },
      { id: 'c', x: 1, y: 1, z: 'tab', type: 'smolvlm-convert', ...dialog, wires: [['out'], ['progress']] },
      { id: 'out', x: 1, y: 1, z: 'tab', type: 'helper' },
      { id: 'progress', x: 1, y: 1, z: 'tab', type: 'helper' },
      { id: 'failures', x: 1, y: 1, z: 'tab', type: 'catch', scope: ['c'], wires: [['bad']] },
      { id: 'bad', x: 1, y: 1, z: 'tab', type: 'helper' },
    ];
    await helper.load([convertNode, catchNode] as never, flow);
    const received: Record<'out' | 'progress' | 'bad', Received[]> = { out: [], progress: [], bad: [] };
    for (const id of ['out', 'progress', 'bad'] as const) {
      helper.getNode(id).on('input', (message) => void received[id].push(message as Received));
    }
    const statuses: string[] = [];
    (helper.getNode('c') as unknown as EventEmitter).on(
      'call:status',
      (call: { firstArg: { text?: string } }) => void statuses.push(call.firstArg.text ?? ''),
    );
    return {
      ...received,
      statuses,
      send: (message: object) => helper.getNode('c').receive(message as NodeMessage),
    };
  }

  const until = async (met: () => boolean): Promise<void> => {
    while (!met()) await delay(20);
  };

  const conversion = () => ({
    mode: 'convert',
    model: join(folder, 'small'),
    out: join(folder, 'bundle'),
    target: 'rk3588',
    toolkit: '2.3.2',
    precision: 'fp16',
    calibration: join(folder, 'frames'),
    python,
  });

  it('makes a packed bundle, reports progress, and validates it', async () => {
    const flow = await load({ ...conversion(), pack: true });
    flow.send({ payload: 'go', topic: 'kept' });
    await until(() => flow.out.length + flow.bad.length > 0);
    assert.deepEqual(flow.bad, []);
    const { payload, topic } = flow.out[0]!;
    assert.equal(topic, 'kept');
    assert.equal(payload.path, join(folder, 'bundle'));
    assert.ok(existsSync((payload.archive as { path: string }).path));
    assert.equal((payload.manifest as { toolkitVersion: string }).toolkitVersion, '2.3.2');
    const { stages } = payload.report as { stages: { name: string; cosine: number }[] };
    assert.deepEqual(
      stages.map(({ name }) => name),
      ['l0_attn', 'l0_mlp'],
    );
    const steps = flow.progress.map(({ payload: { step } }) => step);
    assert.ok(steps.includes('l0_mlp') && steps.includes('decoder'));
    assert.match(String(flow.progress.at(-1)?.payload.percent), /^\d+$/);
    const shard = flow.progress.find(({ payload: { step } }) => step === 'l0_mlp')!.payload;
    assert.deepEqual(shard.stages, { done: 2, total: 2 });
    assert.ok(typeof shard.secondsLeft === 'number' && shard.secondsLeft >= 0);
    // Not each step: the status changes at most twice in a second.
    assert.ok(flow.statuses.some((text) => /status\.(stage|working)|\d+ (%|s left)/.test(text)));
    await statusShown(flow.statuses, /status\.done|bundle ready/);
    flow.send({ mode: 'validate' });
    await until(() => flow.out.length + flow.bad.length > 1);
    assert.deepEqual(flow.bad, []);
    assert.equal(flow.out[1]?.payload.pass, true);
  });

  it('refuses an interpreter with another toolkit than the hub’s runtime asks for', async () => {
    const flow = await load({ ...conversion(), toolkit: '2.5.0' });
    flow.send({});
    await until(() => flow.out.length + flow.bad.length > 0);
    assert.equal(flow.bad[0]?.error?.code, 'toolkit-version');
    assert.match(flow.bad[0]?.error?.message ?? '', /expected rknn-toolkit2 2\.5\.0, found 2\.3\.2/);
  });

  it('is cancelled by a message, and refuses a second conversion meanwhile', async () => {
    const flow = await load({ ...conversion(), out: join(folder, 'cancelled') });
    flow.send({});
    await until(() => flow.progress.length > 0);
    flow.send({});
    await until(() => flow.bad.length > 0);
    assert.equal(flow.bad[0]?.error?.code, 'convert-busy');
    flow.send({ cancel: true });
    await until(() => flow.bad.length > 1);
    assert.equal(flow.bad[1]?.error?.code, 'convert-cancelled');
    assert.ok(!existsSync(join(folder, 'cancelled')));
  });

  it('asks before it installs the converter, and accepts a message as the answer', async () => {
    // An interpreter without the toolkit; no environment is made in the tests' own cache.
    const bare = join(folder, 'bare-python');
    const told = { version: '3.11.2', machine: 'x86_64', system: 'Linux', venv: true, toolkit: null };
    const script = `#!/bin/sh\ncase "$2" in venv) echo "asked to make $3" >&2; exit 1;; esac\necho '${JSON.stringify(told)}'\n`;
    await writeFile(bare, script, { mode: 0o755 });
    const flow = await load({ ...conversion(), out: join(folder, 'asked'), python: bare });
    flow.send({});
    await until(() => flow.bad.length > 0);
    assert.equal(flow.bad[0]?.error?.code, 'toolkit-missing');
    assert.match(flow.bad[0]!.error!.message, /not set up on this machine/);
    await statusShown(flow.statuses, /status\.setup|set up the converter\?/);
    flow.send({ setup: true });
    await until(() => flow.bad.length > 1);
    const { code, message } = flow.bad[1]!.error!;
    assert.deepEqual([code, /asked to make .*rknn-toolkit2-/.test(message)], ['toolkit-set-up', true]);
    assert.ok(flow.progress.some(({ payload: { step } }) => step === 'making a virtual environment'));
  });

  it('explains on a hub that conversion needs a PC', async () => {
    const arm = join(folder, 'arm.cjs');
    await writeFile(arm, "Object.defineProperty(process, 'arch', { value: 'arm64' });");
    const restore = setEnvironment({ NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${arm}` });
    try {
      const flow = await load({ ...conversion(), out: join(folder, 'arm') });
      flow.send({});
      await until(() => flow.bad.length > 0);
      const { code, message } = flow.bad[0]!.error!;
      assert.equal(code, 'convert-machine');
      assert.match(message, /this machine is linux on arm64. Convert on a PC.*smolvlm install here/);
    } finally {
      restore();
    }
  });

  it('ends the conversion before the flow has stopped', async () => {
    const out = join(folder, 'stopped');
    const flow = await load({ ...conversion(), out });
    flow.send({});
    await until(() => flow.progress.length > 0);
    assert.ok(existsSync(`${out}.lock`));
    await helper.unload();
    assert.ok(!existsSync(`${out}.lock`) && !existsSync(out));
  });

  it('explains what this machine lacks', async () => {
    const flow = await load({ ...conversion(), python: join(folder, 'no-python') });
    flow.send({});
    await until(() => flow.bad.length > 0);
    const { code, message } = flow.bad[0]!.error!;
    assert.equal(code, 'convert-python');
    assert.match(message, /no-python: not found.*Install one/s);
    await statusShown(flow.statuses, /trouble\.conversion$/);
  });

  it('names a field that is missing', async () => {
    const flow = await load({ mode: 'convert', model: 'demo' });
    flow.send({});
    await until(() => flow.bad.length > 0);
    assert.match(flow.bad[0]!.error!.message, /out: expected the folder of the bundle, received nothing/);
  });
});
