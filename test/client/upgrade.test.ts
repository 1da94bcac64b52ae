import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { EngineClient } from '../../src/client/engine-client';
import { useCleanup } from '../cleanup';
import { LocalFake } from './local-fake';

const picture = Uint8Array.of(1, 2, 3);

describe('a client of a newer version', () => {
  const cleanup = useCleanup();
  let fake: LocalFake;
  beforeEach(() => {
    fake = new LocalFake();
  });
  afterEach(() => fake.close());

  it('has an older engine finish and end, and starts its own; no request of any client is lost', async () => {
    const older = fake.client();
    const finals: string[] = [];
    const ask = async (index: number): Promise<void> => {
      const request = { prompt: `slow ${20 * (index % 3)} ${index}`, camera: `camera ${index % 4}` };
      const queue = { capacity: 100 } as const;
      const final = await older.describe({ ...request, queue }, [picture]);
      finals.push(final.type === 'result' ? final.result.prompt : JSON.stringify(final));
    };
    await older.open();
    const all = Array.from({ length: 40 }, (_, index) => ask(index));
    await all[2];
    const newer = fake.client({}, { version: '99.0.0' });
    const final = await newer.describe({ prompt: 'newer' }, [picture]);
    assert.equal(final.type, 'result');
    await Promise.all(all);
    assert.equal(finals.filter((text) => text.startsWith('slow')).length, 40, finals.join('\n'));
    // The second engine is older as well; it is not replaced again.
    assert.equal(fake.pids().length, 2);
    assert.equal((await older.status()).instance, (await newer.status()).instance);
  });

  it('shares an engine of its own version, or of a newer one', async () => {
    const first = fake.client();
    const { instance } = await first.status();
    for (const version of ['0.0.9', '0.1.0-beta.1']) {
      assert.equal((await fake.client({}, { version }).status()).instance, instance);
    }
    assert.equal(fake.pids().length, 1);
  });

  it('ends engines of older protocols before it starts its own', async () => {
    let drained = 0;
    const former = createServer((request, response) => {
      if (request.method === 'POST' && request.url === '/v1/smolvlm/drain') drained++;
      response.end('{}', () => {
        former.close();
        former.closeAllConnections();
      });
    });
    await new Promise<void>((resolve) => former.listen(join(fake.directory, 'engine-0.sock'), resolve));
    cleanup(() => former.close());
    await fake.client().open();
    assert.equal(drained, 1);
  });

  it('has an engine process of an older protocol answer what it has begun, and end', async () => {
    const socket = join(fake.directory, 'engine-0.sock');
    const main = join(__dirname, '..', 'engine', 'fake-engine-main.js');
    const former = spawn(process.execPath, [main, '--socket', socket, '--idle-exit', '600'], {
      stdio: 'ignore',
    });
    const ended = once(former, 'exit');
    const older = new EngineClient({ kind: 'socket', path: socket });
    try {
      let begin = (): void => {};
      const begun = new Promise<void>((resolve) => (begin = resolve));
      const answer = older.describe({ prompt: 'slow 300' }, [picture], {
        onEvent: ({ type }) => type === 'progress' && begin(),
      });
      await begun;
      let isAnswered = false;
      const answered = answer.finally(() => (isAnswered = true));
      await fake.client().open();
      assert.ok(isAnswered, 'the newer engine starts when the older one has ended');
      assert.equal((await answered).type, 'result');
      assert.deepEqual(await ended, [0, null]);
      assert.equal(fake.pids().length, 1);
    } finally {
      await older.close();
      former.kill('SIGKILL');
    }
  });
});
