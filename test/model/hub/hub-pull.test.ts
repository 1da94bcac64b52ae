import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { type PullControl, type PulledCheckpoint, pullCheckpoint } from '../../../src/model/hub/hub-pull';
import type { HubSettings } from '../../../src/model/hub/hub-settings';
import { resolveModel } from '../../../src/model/hub/resolve-model';
import { demoModel } from '../../fixtures';
import { ManualClock } from '../../system/manual-clock';
import { useTempFolder } from '../../temp-folder';
import { commit, demoModelFiles, type Fault, LoopbackHub } from './loopback-hub';

const weights = 'model.safetensors';
const unneeded = ['README.md', 'onnx/model.onnx', 'pytorch_model.bin', '../../escape.json'];

function demoFiles(): Map<string, Buffer> {
  const others = unneeded.map((name) => [name, Buffer.from('not needed')] as const);
  return new Map([...others, ...demoModelFiles()]);
}

describe('pullCheckpoint', () => {
  const temp = useTempFolder();
  let hub: LoopbackHub;
  let settings: HubSettings;
  const pull = (control: PullControl = {}, revision = 'main'): Promise<PulledCheckpoint> =>
    pullCheckpoint({ id: 'ORG/NAME', revision }, settings, { checkpoints: temp('checkpoints'), ...control });
  const kept = (...parts: string[]): string => temp('checkpoints', 'ORG', 'NAME', ...parts);
  const weightRanges = (): (string | undefined)[] =>
    hub.seen.filter(({ host }) => host === 'storage').map(({ range }) => range);

  beforeEach(async () => {
    hub = new LoopbackHub(demoFiles());
    await hub.start();
    settings = { endpoint: hub.endpoint, stallTimeoutMs: 5000, attempts: 3, backoffMs: 1 };
  });
  afterEach(() => hub.stop());

  it('fetches the files of a checkpoint, which then opens by its hub id', async () => {
    const pulled = await pull();
    assert.deepEqual([pulled.commit, pulled.dir], [commit, kept(commit)]);
    const names = (await readdir(pulled.dir)).filter((name) => !name.startsWith('.'));
    const expected = (await readdir(demoModel)).filter((name) => name !== 'video_preprocessor_config.json');
    assert.deepEqual(names.sort(), expected.sort());
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(demoModel, name))).size));
    assert.equal(
      pulled.downloadedBytes,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    const { dir } = await resolveModel('ORG/NAME', temp('checkpoints'));
    const checkpoint = await openCheckpoint(dir);
    assert.equal(checkpoint.id, 'ORG/NAME');
    await checkpoint.close();
    assert.deepEqual((await readdir(kept())).sort(), [commit, 'refs']);
  });

  it('fetches nothing that is already there', async () => {
    await pull();
    assert.equal((await pull()).downloadedBytes, 0);
    assert.equal((await pull({}, commit)).downloadedBytes, 0);
    assert.deepEqual(weightRanges(), [undefined]);
  });

  it('sends the token to the hub and not to the storage host that it redirects to', async () => {
    hub.requiredToken = 'hf_secret';
    await assert.rejects(pull(), { code: 'hub-unauthorized', hint: /set HF_TOKEN/ });
    settings = { ...settings, token: 'hf_wrong' };
    await assert.rejects(pull(), { code: 'hub-unauthorized', hint: /not accepted/ });
    settings = { ...settings, token: 'hf_secret' };
    hub.seen.length = 0;
    await pull();
    for (const { host, authorization } of hub.seen) {
      assert.equal(authorization, host === 'hub' ? 'Bearer hf_secret' : undefined);
    }
    assert.ok(hub.seen.some(({ host }) => host === 'storage'));
  });

  it('continues after the connection was cut', async () => {
    hub.faults.set(weights, [
      { kind: 'cut', afterBytes: 1_000_000 },
      { kind: 'cut', afterBytes: 500_000 },
    ]);
    const pulled = await pull();
    const [first, second, third] = weightRanges();
    assert.equal(first, undefined);
    assert.match(second ?? '', /^bytes=\d+-$/);
    assert.ok(Number(/\d+/.exec(third ?? '')?.[0]) > Number(/\d+/.exec(second ?? '')?.[0]));
    assert.deepEqual(await readFile(join(pulled.dir, weights)), hub.files.get(weights));
  });

  it('continues an interrupted pull', async () => {
    hub.throttleMs = 5;
    const stop = new AbortController();
    const onProgress = ({ file, doneBytes }: { file: string; doneBytes: number }): void => {
      if (file === weights && doneBytes > 1_000_000) stop.abort(new Error('stopped by hand'));
    };
    await assert.rejects(pull({ signal: stop.signal, onProgress }), /stopped by hand/);
    assert.deepEqual((await readdir(kept())).sort(), [`${commit}.partial`]);
    await assert.rejects(resolveModel('ORG/NAME', temp('checkpoints')), { code: 'model-not-pulled' });
    const left = (await stat(kept(`${commit}.partial`, `${weights}.incomplete`))).size;
    assert.ok(left > 900_000);
    hub.throttleMs = 0;
    const pulled = await pull();
    assert.deepEqual(weightRanges(), [undefined, `bytes=${left}-`]);
    assert.equal(pulled.downloadedBytes, (hub.files.get(weights)?.length ?? 0) - left);
    assert.deepEqual(await readFile(join(pulled.dir, weights)), hub.files.get(weights));
  });

  it('removes what an interrupted pull of another commit left, and no other neighbour', async () => {
    const older = `${'0'.repeat(40)}.partial`;
    await mkdir(kept(older), { recursive: true });
    await mkdir(kept('notes.partial'));
    await writeFile(kept(`${'1'.repeat(40)}.partial`), 'a file');
    await pull();
    const neighbours = (await readdir(kept())).filter((name) => name.endsWith('.partial'));
    assert.deepEqual(neighbours.sort(), [`${'1'.repeat(40)}.partial`, 'notes.partial']);
  });

  it('begins again when the hub ignores the range, or answers another one', async () => {
    for (const kind of ['ignore-range', 'wrong-range'] as const) {
      hub.faults.set(weights, [{ kind: 'cut', afterBytes: 1_000_000 }, { kind }]);
      const { dir } = await pull({ checkpoints: temp(kind) });
      assert.deepEqual(await readFile(join(dir, weights)), hub.files.get(weights));
    }
  });

  it('gives up on a hub that ignores ranges and always cuts at the same byte', async () => {
    const cut = { kind: 'cut', afterBytes: 1000, ignoreRange: true } as const;
    hub.faults.set('tokenizer.json', Array<Fault>(50).fill(cut));
    await assert.rejects(pull(), { code: 'hub-unreachable', hint: /what was downloaded is kept/ });
    const tries = hub.seen.filter(({ path }) => path.endsWith('/tokenizer.json')).length;
    // Three without progress; before them the client may drop the bytes it had not read when the connection ended.
    assert.ok(tries >= 3 && tries < 10, `${tries} tries`);
  });

  it('fetches a corrupted file once more, then refuses it, for large files and small ones', async () => {
    for (const name of [weights, 'config.json']) {
      hub.faults.set(name, [{ kind: 'corrupt' }]);
      const { dir } = await pull({ checkpoints: temp(`once-${name}`) });
      assert.deepEqual(await readFile(join(dir, name)), hub.files.get(name));
      hub.faults.set(name, [{ kind: 'corrupt' }, { kind: 'corrupt' }]);
      await assert.rejects(pull({ checkpoints: temp(`twice-${name}`) }), {
        code: 'hub-checksum',
        message: new RegExp(`^${name}: expected (sha256|git-blob) [0-9a-f]+, received [0-9a-f]+$`),
      });
      assert.deepEqual(await readdir(temp(`twice-${name}`, 'ORG', 'NAME')), [`${commit}.partial`]);
    }
  });

  it('refuses more bytes than announced', async () => {
    hub.faults.set(weights, [{ kind: 'too-long' }]);
    await assert.rejects(pull(), { code: 'hub-size', message: /expected 6687808 bytes, received more/ });
  });

  it('treats a silent connection as broken', async () => {
    const clock = new ManualClock();
    hub.onStall = () => clock.advance(settings.stallTimeoutMs);
    const onRetry = (_error: unknown, waitMs: number): unknown => setImmediate(() => clock.advance(waitMs));
    settings = { ...settings, clock, attempts: 2, onRetry };
    hub.faults.set(weights, [{ kind: 'stall', afterBytes: 1000 }]);
    const { dir } = await pull();
    assert.deepEqual(await readFile(join(dir, weights)), hub.files.get(weights));
    hub.faults.set(weights, [
      { kind: 'stall', afterBytes: 0 },
      { kind: 'stall', afterBytes: 0 },
    ]);
    await assert.rejects(pull({ checkpoints: temp('b') }), { code: 'hub-stalled', hint: /is kept/ });
  });

  it('waits when the hub is busy or failing, and has an error for each refusal', async () => {
    hub.listingFaults = [
      { kind: 'status', status: 429, headers: { 'retry-after': '0' } },
      { kind: 'status', status: 503 },
    ];
    hub.faults.set(weights, [{ kind: 'status', status: 502 }]);
    await pull();
    for (const [status, code, times] of [
      [429, 'hub-busy', 3],
      [500, 'hub-status', 3],
      [403, 'hub-forbidden', 1],
      [404, 'hub-not-found', 1],
      [418, 'hub-status', 1],
    ] as const) {
      hub.seen.length = 0;
      hub.listingFaults = Array.from({ length: 9 }, () => ({ kind: 'status', status }) as const);
      await assert.rejects(pull(), { name: 'HubError', code });
      assert.equal(hub.seen.length, times, `${status}`);
    }
    hub.listingFaults = [];
    await assert.rejects(pull({}, 'dev'), { code: 'hub-not-found', message: /no revision ORG\/NAME at dev/ });
    await hub.stop();
    await assert.rejects(pull(), { code: 'hub-unreachable', message: /127\.0\.0\.1.*ECONNREFUSED/ });
  });

  it('requests sizes and checksums file by file where the listing has none', async () => {
    hub.bareListing = true;
    hub.faults.set(weights, [{ kind: 'corrupt' }, { kind: 'corrupt' }]);
    await assert.rejects(pull(), { code: 'hub-checksum' });
    await pull();
    const heads = hub.seen.filter(({ method }) => method === 'HEAD');
    assert.ok(heads.length > 0 && heads.every(({ host }) => host === 'hub'));
  });

  it('fetches nothing when the disk has too little space', async () => {
    await assert.rejects(pull({ freeBytes: async () => 50_000_000 }), {
      code: 'hub-disk-full',
      message: /74 MB are needed, 50 MB are free/,
      hint: /SMOLVLM_CACHE/,
    });
    assert.deepEqual(
      hub.seen.map(({ path }) => path),
      ['/api/models/ORG/NAME/revision/main?blobs=true'],
    );
  });

  it('makes the second of two pulls wait and find all files there', async () => {
    hub.throttleMs = 1;
    const waited: number[] = [];
    const onWait = (pid: number): unknown => waited.push(pid);
    const [a, b] = await Promise.all([pull({ onWait }), pull({ onWait })]);
    assert.deepEqual(waited, [process.pid]);
    assert.equal(Math.min(a.downloadedBytes, b.downloadedBytes), 0);
    assert.deepEqual(weightRanges(), [undefined]);
  });

  it('recognises a model of another family before its weights are fetched', async () => {
    hub = await replaced('config.json', Buffer.from('{"model_type": "llava"}'));
    await assert.rejects(pull(), {
      code: 'checkpoint-config',
      message: /model_type: expected "idefics3" or/,
    });
    assert.deepEqual(weightRanges(), []);
    hub = await replaced(weights);
    await assert.rejects(pull(), { code: 'hub-no-checkpoint', message: /it has no model.safetensors/ });
  });

  it('fetches every file of a sharded checkpoint', async () => {
    hub = await replaced(weights);
    const files = hub.files as Map<string, Buffer>;
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    for (const name of shards) files.set(name, Buffer.from(`bytes of ${name}`));
    files.set('model.safetensors.index.json', Buffer.from('{"weight_map": {}}'));
    const { dir } = await pull();
    const names = await readdir(dir);
    for (const name of [...shards, 'model.safetensors.index.json']) assert.ok(names.includes(name), name);
  });

  /** A new hub whose repository has different content in one file, or lacks the file. */
  async function replaced(name: string, content?: Buffer): Promise<LoopbackHub> {
    await hub.stop();
    const files = demoFiles();
    if (content) files.set(name, content);
    else files.delete(name);
    const other = new LoopbackHub(files);
    await other.start();
    settings = { ...settings, endpoint: other.endpoint };
    return other;
  }
});
