import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { describe, it } from 'mocha';
import type { SmolvlmError } from '../../../src/errors';
import { ClockJump } from '../../../src/system/clock-jump';
import type { RetentionSettings } from '../../../src/timeline/sqlite/retention';
import { type SqliteLibrary, sqliteLibrary } from '../../../src/timeline/sqlite/sqlite-library';
import { type Added, TimelineKeeper } from '../../../src/timeline/sqlite/timeline-keeper';
import { useTempFolder } from '../../temp-folder';

const library = sqliteLibrary();
const dayMs = 86_400_000;

function idOf(result: Added | undefined): number {
  assert.ok(result && 'entry' in result, JSON.stringify(result));
  return result.entry.id;
}

describe('the limits of a timeline', () => {
  const path = useTempFolder();

  function open(
    retention: RetentionSettings = {},
    {
      library: chosen = library,
      clock = new ClockJump(),
    }: { library?: SqliteLibrary; clock?: ClockJump } = {},
  ): { keeper: TimelineKeeper; trouble: SmolvlmError[] } {
    const trouble: SmolvlmError[] = [];
    const options = {
      folder: path('timeline'),
      retention,
      onTrouble: (error: SmolvlmError) => trouble.push(error),
    };
    return { keeper: new TimelineKeeper(chosen, options, clock), trouble };
  }

  const diskBytes = (): number =>
    readdirSync(path('timeline')).reduce(
      (sum, name) => (name.endsWith('-shm') ? sum : sum + statSync(path('timeline', name)).size),
      0,
    );

  for (const [what, pictureBytes, count] of [
    ['pictures', 40_000, 600],
    ['captions alone', 0, 20_000],
  ] as const) {
    it(`never takes more than its limit, with ${what}, and keeps the newest`, () => {
      const { keeper } = open({ megabytes: 10 });
      let most = 0;
      let lastId = 0;
      for (let index = 0; index < count; ) {
        const batch = Array.from({ length: pictureBytes === 0 ? 100 : 3 }, () => ({
          entry: {
            camera: `camera ${index % 3}`,
            text: `The image shows number ${index} and a red car in the driveway of house ${index % 97}.`,
            timeMs: 1e12 + index++ * 1000,
          },
          pictures: pictureBytes === 0 ? {} : { picture: new Uint8Array(pictureBytes).fill(index) },
        }));
        while (batch.length > 0) {
          const results = keeper.add(batch);
          lastId = idOf(results.at(-1));
          batch.splice(0, results.length);
        }
        most = Math.max(most, diskBytes());
      }
      const { entries, oldestMs = 0 } = keeper.statistics();
      assert.ok(most <= 10_100_000, `${most} bytes`);
      assert.ok(most >= 8_500_000, `only ${most} bytes are used`);
      assert.ok(entries < count && oldestMs > 1e12, `${entries} entries since ${oldestMs}`);
      assert.ok(keeper.read((reader) => reader.entry(lastId)));
      keeper.close();
    });
  }

  it('keeps a camera within its own megabytes, and leaves the others alone', () => {
    const { keeper } = open({ cameras: { street: { megabytes: 1 } } });
    for (let index = 0; index < 100; index++) {
      keeper.add(
        ['street', 'porch'].map((camera) => ({
          entry: { camera, text: 'a car', timeMs: 1e12 + index * 1000 },
          pictures: { picture: new Uint8Array(30_000) },
        })),
      );
    }
    const counts = keeper.read((reader) => reader.cameras());
    assert.deepEqual(
      counts.map(({ camera, entries }) => [camera, entries]),
      [
        ['porch', 100],
        ['street', 30],
      ],
    );
    keeper.close();
  });

  it('comes within a limit that was lowered by itself, and keeps to it from then on', () => {
    const add = (keeper: TimelineKeeper, index: number): number =>
      idOf(
        keeper.add([
          {
            entry: { camera: `camera ${index % 3}`, text: `number ${index}`, timeMs: 1e12 + index },
            pictures: { picture: new Uint8Array(200_000) },
          },
        ])[0],
      );
    const before = open({ megabytes: 30 });
    for (let index = 0; index < 150; index++) add(before.keeper, index);
    before.keeper.close();
    assert.ok(diskBytes() > 25_000_000, `${diskBytes()} bytes`);

    const { keeper, trouble } = open({ megabytes: 10 });
    while (keeper.maintain());
    assert.ok(diskBytes() <= 10_100_000, `${diskBytes()} bytes`);
    const { entries } = keeper.statistics();
    assert.ok(entries > 30 && entries < 50, `${entries} entries`);
    for (let index = 150; index < 200; index++) {
      const id = add(keeper, index);
      assert.ok(diskBytes() <= 10_100_000, `${diskBytes()} bytes`);
      assert.ok(keeper.read((reader) => reader.entry(id)));
    }
    assert.deepEqual(trouble, []);
    keeper.close();
  });

  it('comes within a camera’s share that was lowered by itself', () => {
    const before = open();
    for (let index = 0; index < 60; index++) {
      before.keeper.add(
        ['street', 'porch'].map((camera) => ({
          entry: { camera, text: 'a car', timeMs: 1e12 + index * 1000 },
          pictures: { picture: new Uint8Array(30_000) },
        })),
      );
    }
    before.keeper.close();
    const { keeper } = open({ cameras: { street: { megabytes: 1 } } });
    while (keeper.maintain());
    const counts = keeper.read((reader) => reader.cameras());
    assert.deepEqual(
      counts.map(({ entries }) => entries),
      [60, 30],
    );
    keeper.close();
  });

  it('deletes what is older than its days, some entries at a time', () => {
    const { keeper } = open({ days: 7, cameras: { porch: { days: 30 }, hall: {} } });
    const at = (days: number) => Date.now() - days * dayMs;
    for (const camera of ['street', 'porch', 'hall'])
      for (const days of [40, 20, 8, 6]) {
        keeper.add([{ entry: { camera, text: `${days} days ago`, timeMs: at(days) }, pictures: {} }]);
      }
    while (keeper.maintain());
    const left = keeper.read((reader) => reader.cameras());
    assert.deepEqual(
      left.map(({ camera, entries }) => [camera, entries]),
      [
        ['hall', 1],
        ['porch', 3],
        ['street', 1],
      ],
    );
    keeper.close();
  });

  it('deletes nothing within an hour after the clock was set forward, and nothing if it is set back', () => {
    let wall = 1e12;
    let steady = 0;
    const clock = new ClockJump(
      () => wall,
      () => steady,
    );
    const pass = (ms: number): void => {
      wall += ms;
      steady += ms;
    };
    assert.ok(clock.isTrusted());
    wall += 400 * dayMs;
    assert.ok(!clock.isTrusted());
    pass(3_000_000);
    assert.ok(!clock.isTrusted());
    wall -= 400 * dayMs;
    assert.ok(clock.isTrusted());
    wall += 400 * dayMs;
    assert.ok(!clock.isTrusted());
    pass(3_600_000);
    assert.ok(clock.isTrusted());
    const { keeper } = open({ days: 1 }, { clock: { isTrusted: () => false } as ClockJump });
    keeper.add([{ entry: { camera: 'porch', text: 'old', timeMs: 1e12 }, pictures: {} }]);
    assert.equal(keeper.maintain(), false);
    assert.equal(keeper.statistics().entries, 1);
    keeper.close();
  });

  it('answers that the disk is full, keeps what was there, and works again when there is room', () => {
    let pages = 60;
    const limited: SqliteLibrary = (file) => {
      const database = library(file);
      const { exec } = database;
      return {
        ...database,
        exec: (sql) => {
          if (sql.startsWith('BEGIN IMMEDIATE')) exec(`PRAGMA max_page_count = ${pages}`);
          return exec(sql);
        },
      };
    };
    const { keeper } = open({}, { library: limited });
    const addition = {
      entry: { camera: 'porch', text: 'a fox' },
      pictures: { picture: new Uint8Array(100_000) },
    };
    let kept = 0;
    let error: SmolvlmError | undefined;
    while (!error) {
      const [result] = keeper.add([addition]);
      if (result && 'error' in result) error = result.error;
      else kept++;
    }
    assert.equal(error.code, 'timeline-disk-full');
    assert.equal(keeper.statistics().entries, kept);
    pages = 1000;
    idOf(keeper.add([addition])[0]);
    assert.equal(keeper.statistics().entries, kept + 1);
    keeper.close();
  });

  it('gives space back to the disk after many entries were deleted', () => {
    const { keeper } = open();
    const ids: number[] = [];
    for (let index = 0; index < 100; index++) {
      const pictures = { picture: new Uint8Array(200_000) };
      ids.push(
        idOf(keeper.add([{ entry: { camera: 'porch', text: 'a fox', timeMs: 1e12 + index }, pictures }])[0]),
      );
    }
    keeper.remove(ids);
    while (keeper.maintain());
    // Empties the write-ahead log.
    keeper.close();
    assert.ok(diskBytes() < 9_000_000, `${diskBytes()} bytes`);
  });

  it('refuses a picture that its limit has no room for', () => {
    const { keeper } = open({ megabytes: 10 });
    const [result] = keeper.add([
      { entry: { camera: 'porch', text: 'x' }, pictures: { picture: new Uint8Array(2_000_000) } },
    ]);
    assert.ok(result && 'error' in result && result.error.code === 'timeline-large');
    keeper.close();
  });
});
