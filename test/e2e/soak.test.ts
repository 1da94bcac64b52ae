import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';

describe('four cameras at a frame a second', function () {
  this.timeout(300_000);

  it('keep the queue bounded and lose no frame (short form of npm run test:soak)', async () => {
    const script = join(repositoryRoot, 'scripts', 'soak', 'soak.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script, '--seconds', '12']);
    const {
      sent,
      received,
      most_waiting: mostWaiting,
      faults,
    } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    assert.deepEqual(faults, []);
    assert.equal(mostWaiting, 1);
    for (const [camera, count] of Object.entries(sent)) {
      const { caption, dropped, error } = received[camera];
      const lost = Object.values(dropped as Record<string, number>).reduce((sum, each) => sum + each, 0);
      assert.equal(caption + lost + error, count, camera);
      assert.ok(caption > 0, camera);
    }
  });
});

describe('the judge of a soak', () => {
  interface Run {
    sent: Record<string, number>;
    received: Record<string, { caption: number; dropped: Record<string, number>; error: number }>;
    samples: { cameras: Record<string, { waiting: number }>; rss: Record<string, number> }[];
    last: Record<string, object>;
  }
  interface Judge {
    judge(run: Run, bounds: { capacity: number; growthBytes: number }): string[];
  }

  const bounds = { capacity: 1, growthBytes: 10 };
  const well = (): Run => ({
    sent: { porch: 5 },
    received: { porch: { caption: 3, dropped: { superseded: 2 }, error: 0 } },
    samples: Array.from({ length: 8 }, () => ({ cameras: { porch: { waiting: 1 } }, rss: { engine: 100 } })),
    last: { porch: { done: 3, failed: 0, dropped: { superseded: 2 }, waiting: 0, running: 0 } },
  });
  let judge: Judge['judge'];

  before(async () => {
    const script = pathToFileURL(join(repositoryRoot, 'scripts', 'soak', 'judge.mjs')).href;
    ({ judge } = (await import(script)) as Judge);
  });

  it('finds nothing wrong where every frame is accounted for', () => {
    assert.deepEqual(judge(well(), bounds), []);
  });

  for (const [fault, spoil, words] of [
    ['a queue beyond its bound', (run: Run) => (run.samples[3]!.cameras.porch!.waiting = 2), /2 frames were/],
    ['a frame that was not counted', (run: Run) => (run.sent.porch = 6), /6 frames were sent, the engine/],
    ['a caption that did not come out', (run: Run) => (run.received.porch!.caption = 2), /2 captions/],
    [
      'drops told by another name',
      (run: Run) => (run.received.porch!.dropped = { expired: 2 }),
      /dropped .*superseded.*told .*expired/,
    ],
    ['an error', (run: Run) => (run.received.porch!.error = 1), /1 in Node-RED/],
    [
      'a process that grows',
      (run: Run) => {
        for (const [index, { rss }] of run.samples.entries()) rss.engine = 100 + 4 * index;
      },
      /engine grew/,
    ],
  ] as const) {
    it(`finds ${fault}`, () => {
      const run = well();
      spoil(run);
      assert.match(judge(run, bounds).join('\n'), words);
    });
  }
});
