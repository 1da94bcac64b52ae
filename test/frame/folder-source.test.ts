import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { FolderSource } from '../../src/frame/folder-source';
import { demoFrame } from '../fixtures';
import { ManualClock } from '../system/manual-clock';
import { useTempFolder } from '../temp-folder';
import { RecordedHooks } from './recorded-hooks';

const picture = readFileSync(demoFrame('frame_09_street_day.jpg'));

describe('FolderSource', () => {
  const temp = useTempFolder();
  let told: RecordedHooks;
  let clock: ManualClock;
  let source: FolderSource;
  beforeEach(() => {
    told = new RecordedHooks();
    clock = new ManualClock();
  });
  afterEach(() => source?.close());

  async function watched(): Promise<void> {
    mkdirSync(temp('in'), { recursive: true });
    source = new FolderSource({ folder: temp('in'), intervalMs: 10, clock }, told);
    await told.until(() => told.connections >= 1);
  }
  /** Resolves when what was there before has been read twice: a picture that is written now has come. */
  async function scanned(name: string): Promise<void> {
    writeFileSync(temp(`in/${name}`), picture);
    await told.until(() => names().includes(name));
  }
  const names = (): (string | undefined)[] => told.frames.map(({ name }) => name);

  it('gives new pictures once they have stopped growing, and no other files', async () => {
    mkdirSync(temp('in'));
    writeFileSync(temp('in/old.jpg'), picture);
    await watched();
    writeFileSync(temp('in/note.txt'), 'x');
    writeFileSync(temp('in/.hidden.jpg'), picture);
    writeFileSync(temp('in/new.jpg'), picture);
    await told.until(() => names().includes('new.jpg'));
    writeFileSync(temp('other.jpg'), picture);
    renameSync(temp('other.jpg'), temp('in/moved.JPG'));
    await told.until(() => names().includes('moved.JPG'));
    assert.deepEqual(names(), ['new.jpg', 'moved.JPG']);
    source.take();
    await told.until(() => told.frames.length >= 3);
  });

  it('reports that an empty folder has no picture when one is asked for, even before its first scan', async () => {
    mkdirSync(temp('in'));
    source = new FolderSource({ folder: temp('in'), intervalMs: 10, clock }, told);
    source.take();
    await told.until(() => told.knownTroubles.length >= 1);
    source.take();
    assert.deepEqual(
      told.knownTroubles.map(({ code, message }) => [code, message.endsWith('holds no picture yet')]),
      [
        ['frame-folder', true],
        ['frame-folder', true],
      ],
    );
    assert.equal(told.troubles.length, 0);
  });

  it('gives pictures of subfolders, also of new ones, by their path', async () => {
    mkdirSync(temp('in/2026/11/25'), { recursive: true });
    await watched();
    writeFileSync(temp('in/2026/11/25/late.jpg'), picture);
    await told.until(() => told.frames.length >= 1);
    mkdirSync(temp('in/2026/11/26'));
    writeFileSync(temp('in/2026/11/26/early.jpg'), picture);
    await told.until(() => told.frames.length >= 2);
    assert.deepEqual(names(), ['2026/11/25/late.jpg', '2026/11/26/early.jpg']);
    rmSync(temp('in/2026/11/25'), { recursive: true });
    writeFileSync(temp('in/2026/11/26/next.jpg'), picture);
    await told.until(() => told.frames.length >= 3);
    assert.deepEqual(told.troubles, []);
  });

  it('waits for an upload that stalls', async () => {
    await watched();
    writeFileSync(temp('in/slow.jpg'), picture.subarray(0, 5000));
    await scanned('meanwhile.jpg');
    clock.advance(50_000);
    await scanned('later.jpg');
    assert.deepEqual(names(), ['meanwhile.jpg', 'later.jpg']);
    appendFileSync(temp('in/slow.jpg'), picture.subarray(5000));
    await told.until(() => told.frames.length >= 3);
    assert.equal(told.frames[2]!.name, 'slow.jpg');
    assert.deepEqual(Buffer.from(told.frames[2]!.bytes), picture);
  });

  it('passes on what is there of an upload that failed, after a minute', async () => {
    await watched();
    writeFileSync(temp('in/cut.jpg'), picture.subarray(0, 5000));
    await scanned('meanwhile.jpg');
    await scanned('later.jpg');
    assert.deepEqual(names(), ['meanwhile.jpg', 'later.jpg']);
    clock.advance(60_000);
    await told.until(() => told.frames.length >= 3);
    assert.deepEqual([told.frames[2]!.name, told.frames[2]!.bytes.length], ['cut.jpg', 5000]);
  });

  it('gives a file again that is written anew', async () => {
    await watched();
    writeFileSync(temp('in/latest.jpg'), picture);
    await told.until(() => told.frames.length >= 1);
    writeFileSync(temp('in/latest.jpg'), picture);
    utimesSync(temp('in/latest.jpg'), 2e9, 2e9);
    await told.until(() => told.frames.length >= 2);
  });

  it('gives no picture on request that is not whole yet', async () => {
    await watched();
    writeFileSync(temp('in/empty.jpg'), '');
    utimesSync(temp('in/empty.jpg'), 2e9, 2e9);
    writeFileSync(temp('in/whole.jpg'), picture);
    await told.until(() => told.frames.length >= 1);
    source.take();
    await told.until(() => told.frames.length >= 2);
    assert.deepEqual(names(), ['whole.jpg', 'whole.jpg']);
  });

  it('says once that the folder is missing, and continues when it is there', async () => {
    source = new FolderSource({ folder: temp('in'), intervalMs: 10, clock }, told);
    await told.until(() => told.troubles.length >= 1);
    await told.until(() => told.knownTroubles.length >= 2);
    assert.deepEqual([told.troubles.length, told.troubles[0]?.code], [1, 'frame-folder']);
    mkdirSync(temp('in'));
    await told.until(() => told.connections >= 1);
  });
});
