import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { CameraWatch } from '../../../src/cli/watch/camera-watch';
import { readCamera } from '../../../src/cli/watch/watched-camera';
import type { EngineApi } from '../../../src/client/engine-api';
import type { SourceHooks } from '../../../src/frame/frame-source';
import { prepareFrame } from '../../../src/image/prepare-frame';
import { demoFrame } from '../../fixtures';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const porch = readFileSync(demoFrame('frame_05_porch_day.jpg'));
const garden = readFileSync(demoFrame('frame_08_garden_day.jpg'));
const night = readFileSync(demoFrame('frame_02_driveway_night.jpg'));

/** A watched camera whose pictures and time the test sets. */
class Watched {
  readonly published: { readonly camera: string; readonly jpeg: Uint8Array }[] = [];
  readonly watch: CameraWatch;
  nowMs = Date.UTC(2026, 0, 1);
  #hooks: SourceHooks | undefined;

  constructor(filters: object) {
    const fields = { name: 'porch', source: 'folder', folder: '/srv', ...filters };
    const describe: EngineApi['describe'] = async ({ camera = '' }, [jpeg = street]) => {
      this.published.push({ camera, jpeg });
      return { type: 'dropped', id: '', reason: 'cancelled', message: '' };
    };
    this.watch = new CameraWatch({
      camera: readCamera(fields as never, '', (message) => assert.fail(message)),
      engine: { describe } as EngineApi,
      prepare: prepareFrame,
      log: () => {},
      onAnswer: () => {},
      now: () => this.nowMs,
      openSource: (_settings, hooks) => {
        this.#hooks = hooks;
        return { take: () => {}, close: () => {} };
      },
    });
  }

  /** @returns what was published of it, once the filters have judged it */
  async picture(bytes: Uint8Array, ageMs = 0): Promise<readonly string[]> {
    const before = this.published.length;
    const judged = (): number => this.published.length + this.watch.counts.held + this.watch.counts.failed;
    const judgedBefore = judged();
    this.#hooks?.onFrame({ bytes, capturedAt: this.nowMs - ageMs });
    while (judged() === judgedBefore) await new Promise(setImmediate);
    return this.published.slice(before).map(({ camera }) => camera);
  }
}

describe('the filters of a watched camera', () => {
  it('publish every picture where none is set', async () => {
    const camera = new Watched({});
    for (const each of [street, street, street]) assert.deepEqual(await camera.picture(each), ['porch']);
  });

  it('hold back unchanged pictures until the refresh is due', async () => {
    const camera = new Watched({ unchangedBits: 10, refresh: 2 });
    assert.deepEqual(await camera.picture(street), ['porch']);
    camera.nowMs += 119_000;
    assert.deepEqual(await camera.picture(street), []);
    camera.nowMs += 1_000;
    assert.deepEqual(await camera.picture(street), ['porch']);
    assert.deepEqual(await camera.picture(porch), ['porch']);
  });

  it('pause after a burst', async () => {
    const camera = new Watched({ cooldown: 60, burst: 2 });
    assert.deepEqual(await camera.picture(street), ['porch']);
    assert.deepEqual(await camera.picture(porch), ['porch']);
    assert.deepEqual(await camera.picture(garden), []);
    camera.nowMs += 60_000;
    assert.deepEqual(await camera.picture(garden), ['porch']);
  });

  it('report a stuck camera and an old picture', async () => {
    const stuck = new Watched({ staleRepeats: 2 });
    assert.deepEqual(await stuck.picture(street), ['porch']);
    assert.deepEqual(await stuck.picture(street), []);
    assert.match(stuck.watch.status, /^porch: camera "porch" sent the same bytes 2 times: it is stuck; /);
    const late = new Watched({ maxAge: 30 });
    assert.deepEqual(await late.picture(street, 30_000), ['porch']);
    assert.deepEqual(await late.picture(porch, 31_000), []);
    assert.match(late.watch.status, /is 31\.0 s old; 2 pictures, .*, 1 held back, /);
  });

  it('publish each zone as its own camera, made smaller, with its masks', async () => {
    const masks = [
      [
        [0, 0],
        [1, 0],
        [1, 0.5],
        [0, 0.5],
      ],
    ];
    const zones = [
      { name: 'door', x: 0, y: 0, width: 0.5, height: 0.5 },
      { name: 'path', x: 0, y: 0.5, width: 1, height: 0.5 },
    ];
    const camera = new Watched({ masks, zones, maxSide: 64, quality: 90 });
    await camera.picture(street);
    while (camera.published.length < 2) await new Promise(setImmediate);
    const [door, path] = camera.published;
    assert.deepEqual([door?.camera, path?.camera], ['porch/door', 'porch/path']);
    assert.ok((await brightness(door?.jpeg)) < 8, 'the upper half is masked');
    assert.ok((await brightness(path?.jpeg)) > 60);
    const { width = 0, height = 0 } = await sharp(path?.jpeg).metadata();
    assert.equal(Math.max(width, height), 64);
  });

  it('make a night picture brighter', async () => {
    const [plain, normalised] = [new Watched({}), new Watched({ normalise: 'night' })];
    await plain.picture(night);
    await normalised.picture(night);
    const before = await brightness(plain.published[0]?.jpeg);
    const after = await brightness(normalised.published[0]?.jpeg);
    assert.ok(after > before + 5, `${after} after ${before}`);
  });
});

/** Mean of a picture's grey values, 0 … 255. */
async function brightness(jpeg: Uint8Array | undefined): Promise<number> {
  const { channels } = await sharp(jpeg).greyscale().stats();
  return channels[0]?.mean ?? Number.NaN;
}
