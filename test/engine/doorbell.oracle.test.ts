import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../../src/engine/engine';
import { engineDefaults } from '../../src/engine/engine-options';
import { InferenceThread } from '../../src/engine/inference-thread';
import type { DescribeRequest } from '../../src/protocol/describe-request';
import type { EngineEvent, FinalEvent } from '../../src/protocol/events';
import { isFinal } from '../../src/protocol/ndjson';
import { systemClock } from '../../src/system/clock';
import { demoFrame, fixture } from '../fixtures';

const picture = readFileSync(demoFrame('frame_01_driveway_day.jpg'));
const prompt = 'Describe the picture.';

describe('a doorbell frame among four cameras at full detail, with the demo model', function () {
  this.timeout(120_000);
  let engine: Engine;

  beforeEach(() => {
    const inference = new InferenceThread({
      captionerModule: join(__dirname, '..', '..', 'src', 'inference', 'captioner.js'),
      defaultModel: fixture('goldens/tiny-idefics3'),
      threads: 1,
      modelLimitBytes: 1e9,
      clock: systemClock,
      idleUnloadMs: 60_000,
      hangMs: 60_000,
      onHang: () => assert.fail('hung'),
    });
    engine = new Engine({ ...engineDefaults, inference, clock: systemClock });
  });
  afterEach(() => engine.close());

  async function ask(
    request: DescribeRequest,
    onEvent: (event: EngineEvent) => void = () => {},
  ): Promise<FinalEvent> {
    for await (const event of engine.submit({ prompt, maxNewTokens: 4, ...request }, [picture])) {
      if (isFinal(event)) return event;
      onEvent(event);
    }
    return assert.fail('the stream ended without a final event');
  }

  it('waits for at most the tile that runs, and nothing of the stopped frames is computed twice', async () => {
    // Every frame is another one: none is answered from the cache.
    const crop = (frame: number) => ({ x: frame / 200, y: 0, width: 0.6, height: 1 });
    let frames = 0;
    let streaming = true;
    let whilePressed = 0;
    let stagesPerTile = 0;
    let pressed = false;
    const presses: number[] = [];
    const answers = new Map<string, number>();
    let onMidFrame = (): void => {};
    const stream = async (camera: string): Promise<void> => {
      while (streaming) {
        const request = { id: `${camera}${++frames}`, camera, detail: 'full', crop: crop(frames) } as const;
        let last = 0;
        const final = await ask(request, (event) => {
          if (event.type !== 'progress' || event.phase !== 'vision') return;
          if (pressed) whilePressed += event.done - last;
          assert.ok(event.done > last || event.done === 0, `${event.done} of ${event.total} after ${last}`);
          last = event.done;
          if (event.done > event.total / 3 && event.done < event.total / 2) onMidFrame();
        });
        assert.ok(final.type === 'result', JSON.stringify(final));
        answers.set(camera, (answers.get(camera) ?? 0) + 1);
        stagesPerTile = last / final.result.tiles;
      }
    };
    const cameras = ['a', 'b', 'c', 'd'].map(stream);
    for (let press = 0; press < 3; press++) {
      await new Promise<void>((resolve) => (onMidFrame = resolve));
      onMidFrame = () => {};
      pressed = true;
      whilePressed = 0;
      const request = { id: `door${++frames}`, camera: 'door', priority: 10, crop: crop(frames) };
      const final = await ask(request);
      pressed = false;
      assert.equal(final.type, 'result');
      presses.push(whilePressed);
    }
    streaming = false;
    await Promise.all(cameras);
    assert.equal(answers.size, 4);
    // One tile that runs, and one that starts before the thread has received the request.
    assert.ok(Math.max(...presses) <= 2 * stagesPerTile, `${presses} stages of other frames`);
  });
});
