import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { CaptionResult, SuccessEvent } from '../../src/protocol/events';
import { timelineRecorder } from '../../src/server/timeline-recorder';
import { MemoryTimeline } from '../timeline/memory-timeline';

function described(id: string, result: Partial<CaptionResult>): SuccessEvent {
  const timingsMs = { total: 1500 };
  return {
    type: 'result',
    id,
    result: { prompt: 'Describe it.', model: 'demo', timingsMs, ...result } as CaptionResult,
  };
}

describe('timelineRecorder', () => {
  const thumbnail = Buffer.from('a JPEG').toString('base64');

  it('keeps what a camera’s picture was described as', async () => {
    const store = new MemoryTimeline();
    const record = timelineRecorder(store, assert.fail);
    record(
      described('1', { camera: 'porch', text: ' A fox. ', thumbnail, capturedAt: '2026-11-27T11:00:00Z' }),
    );
    record(
      described('2', {
        text: '{"dogs":2}',
        json: { dogs: 2 },
        thumbnail,
        capturedAt: '2026-11-27T12:00:00Z',
      }),
    );
    const { entries } = await store.search();
    assert.deepEqual(
      entries.map(({ camera, text, answers, seconds, timeMs }) => ({
        camera,
        text,
        answers,
        seconds,
        timeMs,
      })),
      [
        {
          camera: 'camera',
          text: '{"dogs":2}',
          answers: { dogs: 2 },
          seconds: 1.5,
          timeMs: Date.UTC(2026, 10, 27, 12),
        },
        {
          camera: 'porch',
          text: 'A fox.',
          answers: undefined,
          seconds: 1.5,
          timeMs: Date.UTC(2026, 10, 27, 11),
        },
      ],
    );
    const [, fox] = entries;
    assert.equal(Buffer.from((await store.thumbnail(fox?.id ?? 0)) ?? []).toString(), 'a JPEG');
  });

  it('leaves out conversations without a picture, and the page’s own questions', async () => {
    const store = new MemoryTimeline();
    const record = timelineRecorder(store, assert.fail);
    record(described('1', { text: 'Hello.' }));
    record(described('timeline-2', { text: 'Two dogs.', thumbnail, camera: 'timeline' }));
    assert.equal((await store.statistics()).entries, 0);
  });

  it('logs the first of the same failures', async () => {
    const store = new MemoryTimeline();
    const full = Promise.reject(new Error('the disk is full'));
    full.catch(() => undefined);
    store.add = () => full;
    const lines: string[] = [];
    const record = timelineRecorder(store, (line) => lines.push(line));
    for (const id of ['1', '2', '3']) record(described(id, { camera: 'porch', text: 'A fox.', thumbnail }));
    await new Promise(setImmediate);
    assert.deepEqual(lines, ['a caption was not kept: the disk is full']);
  });
});
