import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/system/clock';
import { thisProcess } from '../../src/system/lock/lock-holder';
import { ManualClock } from '../system/manual-clock';
import { isAlive, LocalFake } from './local-fake';
import { outcome } from './outcome';

const picture = Buffer.from('a picture');

describe('the start of a local engine', () => {
  let fake: LocalFake;
  beforeEach(() => {
    fake = new LocalFake();
  });
  afterEach(async () => {
    assert.deepEqual(await fake.close(), [], 'sockets and locks left behind');
  });

  it('is repeated when a signal ends it while it starts, but not for ever', async () => {
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

    it('is repeated when the missing files are there', async () => {
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

    it('is repeated when a file that was cut off is whole', async () => {
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

    it('is not repeated for a client that is closed', async () => {
      const client = fake.client({ command: command(), clock });
      const failed = assert.rejects(client.open(), { code: 'client-closed' });
      await clock.waitedFor();
      await client.close();
      await failed;
      assert.equal(clock.timers, 0);
    });
  });

  it('has as long when the client is stopped or suspended meanwhile', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'smolvlm-suspended-'));
    try {
      const woken = join(folder, 'woken');
      const main = fake.local().command?.[1] ?? '';
      const script = join(folder, 'engine.cjs');
      const lines = [
        "const { existsSync } = require('node:fs');",
        `console.log('engine', process.pid, 'starts');`,
        `const wait = setInterval(() => { if (existsSync(${JSON.stringify(woken)})) { clearInterval(wait); require(${JSON.stringify(main)}); } }, 5);`,
      ];
      writeFileSync(script, lines.join('\n'));
      const time = new ManualClock();
      let looks = 0;
      const clock: Clock = {
        now: () => {
          looks += 1;
          return time.now();
        },
        after: (ms, callback) => time.after(ms, callback),
      };
      const opened = fake.client({ command: [process.execPath, script], clock }).open();
      while (fake.pids().length === 0) await delay(5);
      time.stop(100_000);
      for (const enough = looks + 2; looks < enough; ) await delay(5);
      writeFileSync(woken, '');
      await opened;
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is repeated when the engine ended before a client that was stopped meanwhile could use it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'smolvlm-unused-'));
    const mark = join(folder, 'started');
    const main = fake.local().command?.[1] ?? '';
    const script = join(folder, 'engine.cjs');
    const lines = [
      "const { existsSync, writeFileSync } = require('node:fs');",
      `if (existsSync(${JSON.stringify(mark)})) require(${JSON.stringify(main)});`,
      `else { writeFileSync(${JSON.stringify(mark)}, ''); console.log('no client uses this engine: it stops'); }`,
    ];
    writeFileSync(script, lines.join('\n'));
    await fake.client({ command: [process.execPath, script] }).open();
    assert.equal(fake.pids().length, 1);
    rmSync(folder, { recursive: true });
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

  it('succeeds where a process was killed while it took the lock, and removes what that left', async () => {
    const draft = join(fake.directory, `engine.lock.${randomUUID()}`);
    const killed = { ...thisProcess(), started: 'before', token: 'token', since: '' };
    writeFileSync(draft, JSON.stringify(killed));
    await fake.client().open();
    assert.equal(existsSync(draft), false);
  });
});
