import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'mocha';
import { openTimeline } from '../../../src/timeline/sqlite/open-timeline';
import { repositoryRoot } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

describe('openTimeline', () => {
  const path = useTempFolder();

  it('shares the timeline of a folder, and closes it with its last user', async () => {
    const one = await openTimeline({ folder: path('t'), retention: { days: 3 } });
    const two = await openTimeline({ folder: join(path('t'), '.'), retention: { days: 3 } });
    await one.add({ camera: 'porch', text: 'a fox' });
    await one.close();
    assert.equal((await two.search({ text: 'fox' })).entries.length, 1);
    await assert.rejects(openTimeline({ folder: path('t'), retention: { days: 4 } }), {
      code: 'timeline-in-use',
    });
    await two.close();
    const three = await openTimeline({ folder: path('t'), retention: { days: 4 } });
    assert.equal((await three.statistics()).entries, 1);
    await three.close();
  });

  it('opens again while the one before still closes', async () => {
    const one = await openTimeline({ folder: path('t'), retention: {} });
    const closing = one.close();
    const two = await openTimeline({ folder: path('t'), retention: {} });
    await closing;
    assert.equal((await two.statistics()).entries, 0);
    await two.close();
  });

  it('opens the folder again after its thread has crashed, though another still holds the old one', async () => {
    const one = await openTimeline({ folder: path('t'), retention: {} });
    await one.add({ camera: 'porch', text: 'before' });
    const crashed = new Promise<string>((resolve) => {
      one.onTrouble(({ code }) => resolve(code));
    });
    // No such text passes the types: it stands for any crash.
    await assert.rejects(one.add({ camera: 'porch', text: 5n as never }), { code: 'timeline-thread' });
    assert.equal(await crashed, 'timeline-thread');
    const two = await openTimeline({ folder: path('t'), retention: {} });
    await two.add({ camera: 'porch', text: 'after' });
    await one.close();
    assert.equal((await two.search()).entries.length, 2);
    await two.close();
  });

  it('names a folder that cannot be made', async () => {
    writeFileSync(path('file'), '');
    await assert.rejects(openTimeline({ folder: path('file', 't'), retention: {} }), {
      code: 'timeline-folder',
    });
  });

  it('is not locked by, and has all that was acknowledged of, a process that was killed', async () => {
    const writer = join(repositoryRoot, 'scripts', 'timeline', 'writer.mjs');
    const acknowledged = new Map<number, string>();
    for (let round = 1; round <= 5; round++) {
      const child = spawn(process.execPath, [writer, path('t'), '0', String(round)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let left = 3 * round;
      await new Promise<void>((resolve) => {
        createInterface(child.stdout).on('line', (line) => {
          if (line === 'ready') return;
          const message = JSON.parse(line);
          const removed = message.removing ?? message.removed;
          if (removed !== undefined) acknowledged.delete(removed);
          else acknowledged.set(message.id, message.text);
          if (--left === 0) child.kill('SIGKILL');
        });
        child.once('close', () => resolve());
      });
    }
    const store = await openTimeline({ folder: path('t'), retention: {} });
    assert.ok(acknowledged.size > 10);
    for (const [id, text] of acknowledged) assert.equal((await store.entry(id))?.text, text);
    await store.close();
  });
});
