import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { CommandIo } from '../../src/cli/command/command';
import { command } from '../../src/cli/pull';
import { readSettings } from '../../src/system/settings';
import { repositoryRoot } from '../fixtures';
import { commit, demoModelFiles, LoopbackHub } from '../model/hub/loopback-hub';
import { useTempFolder } from '../temp-folder';

const main = join(repositoryRoot, 'dist', 'src', 'cli', 'main.js');

describe('smolvlm pull', () => {
  const temp = useTempFolder();
  let hub: LoopbackHub;

  beforeEach(async () => {
    hub = new LoopbackHub(demoModelFiles());
    await hub.start();
  });
  afterEach(() => hub.stop());

  function start(...args: string[]) {
    return spawn(process.execPath, [main, ...args], {
      env: {
        ...process.env,
        SMOLVLM_CACHE: temp('cache'),
        HF_ENDPOINT: hub.endpoint,
        HF_TOKEN: '',
        HUGGING_FACE_HUB_TOKEN: 'hf_old',
      },
    });
  }

  async function smolvlm(...args: string[]) {
    const child = start(...args);
    const status = new Promise<number | null>((done) => child.once('close', done));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { status: await status, stdout, stderr };
  }

  it('puts a checkpoint into the cache and prints one JSON document', async () => {
    hub.requiredToken = 'hf_old';
    const { status, stdout, stderr } = await smolvlm('pull', 'ORG/NAME', '--json');
    assert.equal(status, 0, stderr);
    const document = JSON.parse(stdout);
    assert.equal(document.id, 'ORG/NAME');
    assert.ok((await readdir(document.dir)).includes('model.safetensors'));
    assert.ok(document.dir.startsWith(temp('cache')));
    assert.match(stderr, /model\.safetensors: \d+\.\d of 6\.7 MB \(100 %\)/);
  });

  it('says at the first failed try that the hub does not answer', async () => {
    await hub.stop();
    const stop = new AbortController();
    const lines: string[] = [];
    const io: CommandIo = {
      json: false,
      result: () => assert.fail('nothing was pulled'),
      log: (line) => {
        lines.push(line);
        stop.abort(new Error('enough'));
      },
      progress: () => assert.fail('nothing was pulled'),
      signal: stop.signal,
    };
    const settings = { ...readSettings(), hub: { endpoint: hub.endpoint }, cacheDir: temp('cache') };
    await assert.rejects(command.run({}, ['ORG/NAME'], io, settings), /enough/);
    const { host } = new URL(hub.endpoint);
    assert.deepEqual(lines, [
      `the hub does not answer: the connection to ${host} failed: ECONNREFUSED; the next try is in 1 s`,
    ]);
  });

  it('lists the models of the family with download, memory and machine, and needs no hub', async () => {
    const { status, stdout } = await smolvlm('pull', '--list', '--json');
    assert.equal(status, 0);
    const [first] = JSON.parse(stdout);
    assert.deepEqual(Object.keys(first), ['id', 'download_bytes', 'memory_bytes', 'machine_gb', 'suits']);
    assert.match((await smolvlm('pull', '--list')).stdout, /SmolVLM-256M-Instruct +0\.51 GB +0\.7 GB +2 GB/);
    assert.deepEqual(hub.seen, []);
    assert.equal((await smolvlm('pull', '--list', 'ORG/NAME')).status, 2);
  });

  it('continues a pull that was killed, with its lock and downloaded bytes', async () => {
    hub.throttleMs = 5;
    const killed = start('pull', 'ORG/NAME');
    for await (const line of createInterface(killed.stderr)) {
      if (!line.startsWith('model.safetensors')) continue;
      while (weightsLeft() === 0) await new Promise((done) => setTimeout(done, 5));
      break;
    }
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const left = weightsLeft();
    assert.ok(left > 0);
    hub.throttleMs = 0;
    const { status, stdout, stderr } = await smolvlm('pull', 'ORG/NAME', '--json');
    assert.equal(status, 0, stderr);
    const { dir, downloaded_bytes } = JSON.parse(stdout);
    const weights = await readFile(join(dir, 'model.safetensors'));
    assert.deepEqual(weights, hub.files.get('model.safetensors'));
    assert.equal(downloaded_bytes, weights.length - left);
    assert.deepEqual((await readdir(dirname(dir))).sort(), [commit, 'refs']);
  });

  /** Bytes of the weights that an unfinished pull has on the disk. */
  function weightsLeft(): number {
    const staging = temp('cache', 'checkpoints', 'ORG', 'NAME', `${commit}.partial`);
    return statSync(join(staging, 'model.safetensors.incomplete'), { throwIfNoEntry: false })?.size ?? 0;
  }

  it('reports the error and what to do, and exits 1; 2 for a wrong command line', async () => {
    hub.requiredToken = 'hf_other';
    const refused = await smolvlm('pull', 'ORG/NAME');
    assert.deepEqual([refused.status, refused.stdout], [1, '']);
    assert.match(
      refused.stderr,
      /refused ORG\/NAME at main: status 401.*\[hub-unauthorized\]\n {2}The token/,
    );
    const usage = await smolvlm('pull', 'NAME');
    assert.equal(usage.status, 2);
    assert.match(usage.stderr, /expected one model as ORG\/NAME.*received "NAME"/);
  });
});
