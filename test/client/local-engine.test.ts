import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DescribeFinal } from '../../src/protocol/events';
import { thisProcess } from '../../src/system/lock/lock-holder';
import { useGate } from '../inference/gate';
import { LocalFake } from './local-fake';
import { outcome } from './outcome';

const picture = Buffer.from('a picture');

/** A promise that is resolved from outside. */
function signal(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe('local engine', () => {
  const gate = useGate();
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

  it('is idle, not out of reach, when it has ended and nothing waits for it', async () => {
    const client = fake.client();
    const { pid } = await client.status();
    const ended = new Promise<string>((resolve) => void client.onState(resolve));
    process.kill(pid, 'SIGKILL');
    assert.equal(await ended, 'idle');
    assert.equal(outcome(await client.describe({ prompt: 'who' }, [picture])), 'result who');
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
      hung = client.describe({ prompt: 'hang', deadlineMs: 3000 }, [picture], {
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
    const first = client.describe({ prompt: gate().prompt }, [picture], {
      onEvent: (event) => event.type === 'progress' && running.resolve(),
    });
    const second = client.describe({ prompt: 'second' }, [picture]);
    await running.promise;
    process.kill(pid, 'SIGTERM');
    while (fake.pids().length < 2) await delay(5);
    gate().open();
    const finals = [outcome(await first), outcome(await second)];
    assert.deepEqual(finals, [`result ${gate().prompt}`, 'result second']);
    assert.equal(fake.pids().length, 2);
  });

  it('hands frames that are to be encoded to the next engine, which does not have the handles of the last', async () => {
    const client = fake.client();
    const before = await client.encode({}, [Buffer.alloc(7)]);
    assert.ok(before.type === 'features');
    const { pid } = await client.status();
    const running = signal();
    const first = client.encode({ camera: gate().prompt }, [picture], {
      onEvent: (event) => event.type === 'progress' && running.resolve(),
    });
    await running.promise;
    const second = client.encode({ camera: 'second' }, [picture]);
    const features = before.features.handles.map(({ id }) => id);
    const question = client.describe({ prompt: 'x', features }, []);
    process.kill(pid, 'SIGKILL');
    gate().open();
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

  it('ends what is unanswered as dropped when the client is closed', async () => {
    const client = fake.client();
    await client.open();
    const asked = client.describe({ prompt: 'slow 60000' }, [picture]);
    await client.close();
    assert.equal(outcome(await asked), 'dropped shutdown');
  });
});
