import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { ImageChildren } from '../../../src/client/children/image-children';
import { ManualClock } from '../../system/manual-clock';
import { useTempFolder } from '../../temp-folder';

/** As much of a PNG as states its size. */
function header(width: number, height: number): Buffer {
  const bytes = Buffer.from('\x89PNG\r\n\x1a\n....IHDR........', 'latin1');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

const camera = header(3840, 2160);
const large = header(3840, 2161);
const held = header(8000, 8000);

describe('ImageChildren', function () {
  this.timeout(30_000);
  const temp = useTempFolder();
  let clock: ManualClock;
  let children: ImageChildren;

  beforeEach(() => {
    // Answers with its process id; never answers the picture of 8000 rows.
    const script = `require('node:fs').appendFileSync(${JSON.stringify(temp('starts'))}, process.pid + '\\n');
      process.on('message', ({ job, bytes }) => {
        if (Buffer.from(bytes).readUInt32BE(20) === 8000) return;
        process.send({ job, frame: { width: process.pid, height: 1, differenceHash: '0', brightness: 0 } });
      });`;
    writeFileSync(temp('worker.js'), script);
    clock = new ManualClock();
    children = new ImageChildren({ worker: temp('worker.js'), clock, idleMs: 1000 });
  });
  afterEach(() => children.close());

  const starts = (): number[] => readFileSync(temp('starts'), 'utf8').trim().split('\n').map(Number);
  const processOf = async (bytes: Uint8Array): Promise<number> => (await children.prepare(bytes)).width;

  it("prepares a camera's frame while a large picture is prepared", async () => {
    const unanswered = assert.rejects(children.prepare(held), { code: 'image-child-closed' });
    await processOf(camera);
    await processOf(camera);
    children.close();
    await unanswered;
  });

  it('starts a second process for the first large picture, and one for all of them', async () => {
    const first = await processOf(camera);
    assert.equal(await processOf(Buffer.from('not a picture, but long enough')), first);
    assert.deepEqual(starts(), [first]);
    const second = await processOf(large);
    assert.notEqual(second, first);
    assert.equal(await processOf(large), second);
    assert.equal(await processOf(camera), first);
    assert.deepEqual(starts(), [first, second]);
  });

  it('stops the process for large pictures when it is idle, and starts another for the next', async () => {
    const second = await processOf(large);
    clock.advance(600);
    const first = await processOf(camera);
    clock.advance(400);
    assert.equal(await processOf(camera), first);
    assert.notEqual(await processOf(large), second);
    assert.equal(starts().length, 3);
  });
});
