import assert from 'node:assert/strict';
import { FrameStatus, longestSilenceMs } from '../../../src/node-red/frame/frame-status';
import { ManualClock } from '../../system/manual-clock';

const frame = { jpeg: new Uint8Array(), width: 1, height: 1, differenceHash: '0', brightness: 0 };

describe('FrameStatus', () => {
  let shown: string[];
  let clock: ManualClock;
  let status: FrameStatus;
  beforeEach(() => {
    shown = [];
    clock = new ManualClock();
    status = new FrameStatus({
      show: ({ fill, shape, phrases: [phrase] }) => {
        const values = Object.values(phrase?.values ?? {}).join('/');
        shown.push(`${fill} ${shape} ${phrase?.key} ${values}`.trimEnd());
      },
      phrase: (key, values) => ({ key, ...(values && { values }) }),
      trouble: (error) => ({ key: error instanceof Error ? error.message : String(error) }),
      longestSilenceMs: 30_000,
      clock,
    });
  });

  it('counts what passes and what is held back', () => {
    status.verdict({ frame });
    status.verdict({ held: { reason: 'unchanged', message: '' } });
    status.verdict({ held: { reason: 'stale', message: '' } });
    assert.deepEqual(shown, [
      'green dot status.passed 1/0',
      'yellow dot status.held.unchanged 1/1',
      'red dot status.held.stale 1/2',
    ]);
  });

  it('keeps a source’s trouble until its next picture, even when earlier pictures finish', () => {
    status.arrived();
    status.trouble('frame-stream');
    status.verdict({ frame });
    assert.deepEqual(shown, ['red ring frame-stream']);
    status.arrived();
    status.verdict({ frame });
    assert.equal(shown.at(-1), 'green dot status.passed 2/0');
  });

  it('says that a source delivers nothing, though it raises no error', () => {
    status.arrived();
    status.verdict({ frame });
    clock.advance(29_999);
    assert.equal(shown.length, 1);
    clock.advance(1);
    assert.equal(shown.at(-1), 'red ring status.silent 30');
    clock.advance(30_000);
    assert.equal(shown.at(-1), 'red ring status.silent 60');
    status.close();
    assert.equal(clock.timers, 0);
  });

  it('expects pictures of sources with an interval only', () => {
    const url = new URL('http://camera/');
    const snapshot = { kind: 'snapshot', url, timeoutMs: 1000, retries: 2 } as const;
    assert.equal(longestSilenceMs(snapshot), undefined);
    assert.equal(longestSilenceMs({ ...snapshot, intervalMs: 2000 }), 2000 + 3000 + 1500 + 5000);
    assert.equal(longestSilenceMs({ kind: 'folder', folder: '/in', intervalMs: 1 }), undefined);
  });
});
