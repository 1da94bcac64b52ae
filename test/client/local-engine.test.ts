import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DescribeFinal } from '../../src/protocol/events';
import { thisProcess } from '../../src/system/lock/lock-holder';
import { ManualClock } from '../system/manual-clock';
import { isAlive, LocalFake } from './local-fake';

const picture = Buffer.from('a picture');

function outcome(final: DescribeFinal): string {
  if (final.type === 'result') return `result ${final.result.prompt}`;
  return final.type === 'error' ? `error ${final.error.code}` : `dropped ${final.reason}`;
}

/** A promise that is resolved from outside. */
function signal(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe('local engine', () => {
  let fake: LocalFake;
  beforeEach(() => {
    fake = new LocalFake();
  });
  afterEach(async () => {
    assert.deepEqual(await fake.close(), [], 'sockets and locks left behind');
  });

  it('is started once by four clients that ask at the same time', async () => {
    const clients = [1, 2, 3, 4].map(() => fake.client());
    await Promise.all(clients.map((client) => client.open()));
    assert.equal(fake.pids().length, 1);
    const status = await clients[0]!.status();
    assert.equal(status.leases, 4);
    assert.equal(status.pid, fake.pids()[0]);
  });

  it('ends by itself after its last client, and is started again for the next', async () => {
    const first = fake.client();
    await first.open();
    await first.close();
    const second = fake.client();
    const final = await second.describe({ prompt: 'who' }, [picture]);
    assert.equal(outcome(final), 'result who');
  });

  it('takes over the socket and the lock of processes that were killed', async () => {
    const first = fake.client();
    const { pid } = await first.status();
    process.kill(pid, 'SIGKILL');
    const killed = { ...thisProcess(), started: 'before', token: 'token', since: '' };
    writeFileSync(join(fake.directory, 'engine.lock'), JSON.stringify(killed));
    const final = await fake.client().describe({ prompt: 'who' }, [picture]);
    assert.equal(outcome(final), 'result who');
  });

  it('answers every request when it is killed in the middle of a caption with others waiting', async () => {
    const client = fake.client();
    const { pid } = await client.status();
    const running = signal();
    const finals: string[] = [];
    const ask = async (prompt: string, onProgress?: () => void): Promise<void> => {
      const final = await client.describe({ prompt, camera: 'porch' }, [picture], {
        onEvent: (event) => event.type === 'progress' && onProgress?.(),
      });
      finals.push(outcome(final));
    };
    const all = [ask('slow 300', running.resolve), ask('second'), ask('third')];
    await running.promise;
    process.kill(pid, 'SIGKILL');
    await Promise.all(all);
    assert.deepEqual(finals.sort(), ['result second', 'result slow 300', 'result third']);
    assert.equal(outcome(await client.describe({ prompt: 'next' }, [picture])), 'result next');
    assert.equal(fake.pids().length, 2);
  });

  it('gives a frame that ends the engine twice up, and continues with the others', async () => {
    const client = fake.client();
    const [bad, good] = await Promise.all([
      client.describe({ prompt: 'crash 50' }, [picture]),
      client.describe({ prompt: 'good' }, [picture]),
    ]);
    assert.equal(outcome(bad), 'error engine-lost');
    assert.equal(outcome(good), 'result good');
    assert.equal(fake.pids().length, 3);
  });

  it('is ended and replaced when a native call hangs, and drops the frame at its deadline', async () => {
    const client = fake.client();
    // The model is loaded, so that the deadline passes within the native call.
    await client.describe({ prompt: 'first' }, [picture]);
    let hung: Promise<DescribeFinal> | undefined;
    await new Promise<void>((resolve) => {
      hung = client.describe({ prompt: 'hang', deadlineMs: 1000 }, [picture], {
        onEvent: (event) => event.type === 'progress' && event.phase === 'vision' && resolve(),
      });
    });
    const waiting = client.describe({ prompt: 'waiting' }, [picture]);
    assert.equal(outcome((await hung) as DescribeFinal), 'dropped deadline');
    assert.equal(outcome(await waiting), 'result waiting');
    assert.equal(fake.pids().length, 2);
  });

  it('hands waiting frames to the next engine when it is asked to stop', async () => {
    const client = fake.client();
    const { pid } = await client.status();
    const running = signal();
    const first = client.describe({ prompt: 'slow 200' }, [picture], {
      onEvent: (event) => event.type === 'progress' && running.resolve(),
    });
    const second = client.describe({ prompt: 'second' }, [picture]);
    await running.promise;
    process.kill(pid, 'SIGTERM');
    assert.deepEqual([outcome(await first), outcome(await second)], ['result slow 200', 'result second']);
    assert.equal(fake.pids().length, 2);
  });

  it('hands frames that are to be encoded to the next engine, which does not have the handles of the last', async () => {
    const client = fake.client();
    const before = await client.encode({}, [Buffer.alloc(7)]);
    assert.ok(before.type === 'features');
    const { pid } = await client.status();
    const running = signal();
    const first = client.encode({ camera: 'slow 300' }, [picture], {
      onEvent: (event) => event.type === 'progress' && running.resolve(),
    });
    await running.promise;
    const second = client.encode({ camera: 'second' }, [picture]);
    const features = before.features.handles.map(({ id }) => id);
    const question = client.describe({ prompt: 'x', features }, []);
    process.kill(pid, 'SIGKILL');
    const [one, two] = await Promise.all([first, second]);
    assert.ok(one.type === 'features' && two.type === 'features');
    const [old, fresh] = [before, one].map(({ features }) => features.handles[0]?.engine);
    assert.notEqual(old, fresh);
    assert.equal(outcome(await question), 'error features-gone');
  });

  it('ends every request of every client exactly once, however often it is killed', async () => {
    const clients = [fake.client(), fake.client(), fake.client()];
    const endings = new Map<string, number>();
    const words: string[] = [];
    const all = clients.flatMap((client, which) =>
      Array.from({ length: 12 }, async (_, index) => {
        const id = `${which}-${index}`;
        const request = { id, prompt: 'slow 20', camera: `camera ${which}`, queue: { capacity: 20 } };
        const final = await client.describe(request, [picture]);
        assert.equal(final.id, id);
        endings.set(id, (endings.get(id) ?? 0) + 1);
        words.push(outcome(final));
      }),
    );
    for (let kill = 1; kill <= 3; kill += 1) {
      while (endings.size < 6 * kill) await delay(5);
      process.kill((await clients[0]!.status()).pid, 'SIGKILL');
    }
    await Promise.all(all);
    assert.equal(endings.size, 36);
    assert.ok([...endings.values()].every((count) => count === 1));
    assert.ok(words.filter((word) => word === 'result slow 20').length >= 35, words.join());
    assert.equal(fake.pids().length, 4);
  });

  it('repeats no token when the frame is described again by the next engine', async () => {
    const client = fake.client();
    const { pid } = await client.status();
    let text = '';
    let killed = false;
    const final = await client.describe({ prompt: 'drip 30 a b c d e', stream: true }, [picture], {
      onEvent: (event) => {
        if (event.type !== 'token') return;
        text += event.text;
        if (killed || !text.includes('bytes')) return;
        killed = true;
        process.kill(pid, 'SIGKILL');
      },
    });
    assert.ok(killed);
    assert.equal(text, '1 of 9 bytes: drip 30 a b c d e');
    assert.equal(final.type === 'result' && final.result.text, text);
  });

  it('is replaced when its socket file was removed', async () => {
    const client = fake.client();
    await client.open();
    rmSync(join(fake.directory, 'engine-1.sock'));
    while (client.state === 'connected') await delay(20);
    assert.equal(outcome(await client.describe({ prompt: 'next' }, [picture])), 'result next');
    assert.equal(fake.pids().length, 2);
  });

  it('is started again when a signal ends it while it starts, but not for ever', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'smolvlm-killed-'));
    const marks = join(folder, 'starts');
    const main = fake.local().command?.[1] ?? '';
    const command = (survivor: number): [string, string] => {
      const script = join(folder, `survivor-${survivor}.cjs`);
      const lines = [
        "const { appendFileSync, statSync } = require('node:fs');",
        `appendFileSync(${JSON.stringify(marks)}, '.');`,
        `if (statSync(${JSON.stringify(marks)}).size < ${survivor}) process.kill(process.pid, 'SIGKILL');`,
        `else require(${JSON.stringify(main)});`,
      ];
      writeFileSync(script, lines.join('\n'));
      return [process.execPath, script];
    };
    const client = fake.client({ command: command(3) });
    await client.open();
    await client.close();
    while (fake.pids().some(isAlive)) await delay(20);
    rmSync(marks);
    const final = await fake.client({ command: command(9) }).describe({}, [picture]);
    assert.equal(outcome(final), 'error engine-start');
    assert.match(final.type === 'error' ? final.error.message : '', /killed by SIGKILL/);
    rmSync(folder, { recursive: true });
  });

  describe('while an update replaces the files of the package', () => {
    let folder: string;
    let clock: ManualClock;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'smolvlm-update-'));
      clock = new ManualClock();
      writeFileSync(join(folder, 'main.cjs'), "require('./rest.cjs');");
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    const command = (): [string, string] => [process.execPath, join(folder, 'main.cjs')];

    it('is started again when the missing files are there', async () => {
      const opened = fake.client({ command: command(), clock }).open();
      await clock.waitedFor();
      clock.advance(250);
      await clock.waitedFor();
      const main = fake.local().command?.[1] ?? '';
      writeFileSync(join(folder, 'rest.cjs'), `require(${JSON.stringify(main)});`);
      clock.advance(500);
      await opened;
      assert.equal(fake.pids().length, 1);
    });

    it('is started again when a file that was cut off is whole', async () => {
      const cutOff = join(folder, 'rest.cjs');
      writeFileSync(cutOff, 'const { start');
      const opened = fake.client({ command: command(), clock }).open();
      await clock.waitedFor();
      writeFileSync(cutOff, '');
      clock.advance(250);
      await clock.waitedFor();
      const main = fake.local().command?.[1] ?? '';
      writeFileSync(cutOff, `require(${JSON.stringify(main)});`);
      clock.advance(500);
      await opened;
      assert.equal(fake.pids().length, 1);
    });

    it('fails when they are still missing after 15 s, and says what that means', async () => {
      const failed = assert.rejects(fake.client({ command: command(), clock }).open(), {
        code: 'engine-start',
        message: /MODULE_NOT_FOUND/,
        hint: /^Files of this package are missing or incomplete\. .* install it again\. Its log is /,
      });
      await clock.waitedFor();
      clock.advance(15_000);
      await failed;
    });

    it('is not started again for a client that is closed', async () => {
      const client = fake.client({ command: command(), clock });
      const failed = assert.rejects(client.open(), { code: 'client-closed' });
      await clock.waitedFor();
      await client.close();
      await failed;
      assert.equal(clock.timers, 0);
    });
  });

  it("says the engine's last words when it does not start", async () => {
    const client = fake.client({
      environment: { ...process.env, FAKE_ENGINE_FAILS: 'no such device: /dev/dri/card9' },
    });
    const final = await client.describe({ prompt: 'who' }, [picture]);
    assert.equal(final.type, 'error');
    assert.match(final.type === 'error' ? final.error.message : '', /no such device: \/dev\/dri\/card9/);
    await assert.rejects(client.open(), { code: 'engine-start' });
  });

  it('names its folder as the cause when it cannot write there', async () => {
    // Permissions do not keep root from writing; /sys does.
    const directory = process.getuid?.() === 0 ? '/sys/kernel' : join(fake.directory, 'read-only');
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o500 });
    await assert.rejects(fake.client({ directory }).open(), {
      code: 'runtime-dir',
      message: new RegExp(`cannot write to its folder ${directory}: E[A-Z]+:`),
    });
    rmSync(join(fake.directory, 'read-only'), { recursive: true, force: true });
  });

  it('names a full disk as the cause', async () => {
    // The lock's file is made, and not a byte fits into it.
    const file = await open(__filename);
    await file.close();
    const prototype = Object.getPrototypeOf(file);
    const { writeFile } = prototype;
    prototype.writeFile = async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    try {
      await assert.rejects(fake.client().open(), {
        code: 'runtime-dir',
        message: /cannot write to its folder .*: ENOSPC: no space left on device/,
        hint: /^Free some space there, or set SMOLVLM_RUNTIME_DIR/,
      });
    } finally {
      prototype.writeFile = writeFile;
    }
  });

  it('names a path that is too long for a socket, and starts nothing', async () => {
    const directory = join(fake.directory, 'x'.repeat(100));
    await assert.rejects(fake.client({ directory }).open(), {
      code: 'runtime-dir',
      message: /^expected a folder with a path of at most 93 bytes for the engine's socket, received /,
      hint: /SMOLVLM_RUNTIME_DIR/,
    });
    assert.deepEqual(fake.pids(), []);
    rmSync(directory, { recursive: true });
  });

  it('starts where a process was killed while it took the lock, and removes what that left', async () => {
    const draft = join(fake.directory, `engine.lock.${randomUUID()}`);
    const killed = { ...thisProcess(), started: 'before', token: 'token', since: '' };
    writeFileSync(draft, JSON.stringify(killed));
    await fake.client().open();
    assert.equal(existsSync(draft), false);
  });

  it('ends what is unanswered as dropped when the client is closed', async () => {
    const client = fake.client();
    await client.open();
    const asked = client.describe({ prompt: 'slow 60000' }, [picture]);
    await client.close();
    assert.equal(outcome(await asked), 'dropped shutdown');
  });
});
