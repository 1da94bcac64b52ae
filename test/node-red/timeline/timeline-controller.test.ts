import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { SmolvlmError } from '../../../src/errors';
import { TimelineController } from '../../../src/node-red/timeline/timeline-controller';
import { MemoryTimeline } from '../../timeline/memory-timeline';

/** A timeline whose thread a test lets crash. */
class CrashingTimeline extends MemoryTimeline {
  crash = (_error: SmolvlmError): void => {};

  override onTrouble(listener: (error: SmolvlmError) => void): () => void {
    this.crash = listener;
    return () => {};
  }
}

describe('TimelineController', () => {
  it('opens the timeline again with the next message after its thread has crashed', async () => {
    const opened: CrashingTimeline[] = [];
    const trouble: string[] = [];
    const controller = new TimelineController({
      open: async () => {
        const store = new CrashingTimeline();
        opened.push(store);
        return store;
      },
      keep: 'none',
      thumbnails: { prepare: () => assert.fail('no picture is kept') },
      onTrouble: ({ code }) => trouble.push(code),
    });
    await controller.keep({ camera: 'porch', text: 'one' }, undefined);
    opened[0]?.crash(new SmolvlmError('timeline-thread', 'it crashed'));
    await controller.keep({ camera: 'porch', text: 'two' }, undefined);
    await controller.keep({ camera: 'porch', text: 'three' }, undefined);
    assert.deepEqual(trouble, ['timeline-thread']);
    assert.equal(opened.length, 2);
    assert.equal((await controller.search(() => ({}))).entries.length, 2);
    await controller.close();
  });
});
