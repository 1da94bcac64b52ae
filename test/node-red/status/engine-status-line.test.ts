import assert from 'node:assert/strict';
import type { ConnectionState, EngineApi } from '../../../src/client/engine-api';
import { EngineStatusLine } from '../../../src/node-red/status/engine-status-line';
import { StatusWords } from '../../../src/node-red/status/node-status';
import type { Phrase } from '../../../src/node-red/status/phrase';

describe('EngineStatusLine', () => {
  let tell: (state: ConnectionState) => void;
  let shown: string[];
  let busy: boolean;
  let line: EngineStatusLine;

  beforeEach(() => {
    shown = [];
    busy = false;
    const engine = {
      onState: (listener: (state: ConnectionState) => void) => {
        tell = listener;
        return () => {
          tell = () => {};
        };
      },
    } as unknown as EngineApi;
    const words = new StatusWords(
      (key, values = {}) => ({ key, values }),
      (thrown) => ({ key: String(thrown) }),
    );
    line = new EngineStatusLine(
      engine,
      words,
      ({ fill, phrases: [phrase] }) => void shown.push(`${fill} ${phrase?.key}`),
      { isBusy: () => busy, idle: words.idle() },
    );
  });

  it('shows that the engine starts only to the node whose request starts it', () => {
    tell('connecting');
    tell('connected');
    assert.deepEqual(shown, []);
    busy = true;
    tell('connecting');
    assert.deepEqual(shown, ['yellow status.connecting']);
  });

  it('is idle again once a lost engine is back', () => {
    tell('lost');
    tell('connected');
    assert.deepEqual(shown, ['red status.lost', 'grey status.idle']);
  });

  it('keeps the last answer while the engine comes and goes for another node', () => {
    line.show(line.words.answered(1200));
    tell('connecting');
    tell('connected');
    assert.deepEqual(shown, ['green status.answered']);
  });

  it('shows each step of a request, with the core for a vision node, and its place in the queue', () => {
    busy = true;
    const step = { type: 'progress', id: '1', done: 7, total: 24 } as const;
    line.onEvent({ type: 'queued', id: '1', waiting: 2 }, 0);
    line.onEvent({ ...step, phase: 'loading' }, 0);
    line.onEvent({ ...step, phase: 'vision' }, 0);
    line.onEvent({ ...step, phase: 'vision', core: 2 }, 0, 'encoding');
    assert.deepEqual(shown, [
      'blue status.waiting',
      'yellow status.loading',
      'blue status.vision',
      'blue status.visionOnCore',
    ]);
  });

  it('shows the part and the time left of a model that its requests wait for, queued or not', () => {
    const told: Phrase[] = [];
    line = new EngineStatusLine(
      { onState: () => () => {} } as unknown as EngineApi,
      line.words,
      ({ phrases }) => void told.push(...phrases),
    );
    const part = { done: 7, total: 26, secondsLeft: 124.2 };
    line.onEvent({ type: 'queued', id: '1', waiting: 1, preparing: part }, 0);
    line.onEvent({ type: 'progress', id: '1', phase: 'loading', ...part, secondsLeft: 8 }, 0);
    assert.deepEqual(told, [
      { key: 'status.loadingLeft', values: { done: 7, total: 26, left: '2:05' } },
      { key: 'status.loadingLeft', values: { done: 7, total: 26, left: '0:08' } },
    ]);
  });

  it('shows nothing of the engine after it is closed', () => {
    line.close();
    tell('lost');
    assert.deepEqual(shown, []);
  });
});
