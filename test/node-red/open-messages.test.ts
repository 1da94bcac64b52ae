import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mock } from 'node:test';
import type { Node, NodeMessage } from 'node-red';
import type { NodeFailure } from '../../src/node-red/failures/node-failure';
import { OpenMessages, type OpenMessagesOptions } from '../../src/node-red/open-messages';
import { StoppingFlows } from '../../src/node-red/stopping-flows';
import { droppedVision } from '../../src/protocol/vision-property';

describe('OpenMessages', () => {
  /** What became of the messages, in order; an error by its code, and what Catch nodes receive with it. */
  let seen: unknown[] = [];
  beforeEach(() => {
    seen = [];
  });
  const codeOf = (error: unknown): string => (error as NodeFailure).code;
  const node = {
    error: (error: unknown, message: object) => void seen.push([codeOf(error), message]),
  } as unknown as Node;

  function begun(messages: OpenMessages, message: object = { payload: 1 }) {
    return messages.begin(
      message as NodeMessage,
      () => void seen.push('sent'),
      (error) => void seen.push(error ? codeOf(error) : 'done'),
    );
  }
  const opened = (options?: OpenMessagesOptions): OpenMessages => new OpenMessages(node, options);

  it('sends and ends a message once', () => {
    const message = { payload: 1 };
    const open = begun(opened(), message);
    assert.equal(open?.message, message);
    open.send([]);
    open.done();
    open.send([]);
    open.done(new Error('late'));
    assert.deepEqual(seen, ['sent', 'done']);
  });

  it('ends the messages that have no answer with an error when the node closes', () => {
    const messages = opened();
    const all = [begun(messages), begun(messages)];
    all[0]?.done();
    messages.close();
    for (const open of all) open?.send([]);
    for (const open of all) open?.done();
    assert.deepEqual(seen, ['done', 'node-closed']);
  });

  it('ends an answered message without an error when the node closes', () => {
    const messages = opened();
    begun(messages)?.answered();
    messages.close();
    assert.deepEqual(seen, ['done']);
  });

  describe('with an HTTP request that waits', () => {
    let answer: unknown[] = [];
    const response = {
      headersSent: false,
      status: (code: number) => keep(code),
      set: () => response,
      type: () => response,
      send: (text: string) => keep(text),
    };
    const keep = (value: unknown): typeof response => {
      answer.push(value);
      return response;
    };
    const closed = (type: string, headersSent = false): void => {
      answer = [];
      const events = new EventEmitter();
      const messages = opened({ flows: new StoppingFlows(events) });
      begun(messages, { payload: 1, res: { _res: { ...response, headersSent } } });
      events.emit('flows:stopping', { type });
      messages.close();
    };

    it('answers it when the node closes together with its whole flow', () => {
      for (const type of ['full', 'flows']) {
        closed(type);
        assert.equal(answer[0], 503);
        assert.match(String(answer[1]), /stopped before the message was answered/);
      }
    });

    it('answers it if all that was sent is a reason, through an output without a wire', () => {
      const frame = { held: 'unchanged', reason: 'camera "porch" is unchanged' };
      const cases: readonly (readonly [
        wires: unknown,
        sends: readonly ('frame' | 'held')[],
        isRefused: boolean,
      ])[] = [
        [[['next'], []], ['held'], true],
        [[['next']], ['held'], true],
        [[['next'], []], ['held', 'frame'], false],
        [[['next'], ['other']], ['held'], false],
        [[[], []], ['frame'], false],
        [undefined, ['held'], false],
      ];
      mock.timers.enable({ apis: ['setTimeout'] });
      try {
        for (const [wires, sends, isRefused] of cases) {
          answer = [];
          const messages = new OpenMessages({ ...node, wires } as Node);
          const message = { payload: 1, res: { _res: response } };
          const open = begun(messages, message);
          for (const each of sends) {
            const sent = (each === 'held' ? { ...message, frame } : message) as unknown as NodeMessage;
            open?.send(each === 'held' ? [null, sent] : [sent, null]);
          }
          open?.done();
          mock.timers.tick(5_000);
          assert.deepEqual(answer, isRefused ? [503, frame.reason] : [], JSON.stringify([wires, sends]));
        }
      } finally {
        mock.timers.reset();
      }
    });

    describe('if two branches have it, one of which drops its frame', () => {
      const caption = { dropped: 'superseded', reason: 'a newer frame came' };
      const wired = { ...node, wires: [['answer'], []] } as Node;
      let message: object;
      let drops: () => void;
      let other: ReturnType<typeof begun>;
      beforeEach(() => {
        answer = [];
        mock.timers.enable({ apis: ['setTimeout'] });
        message = { payload: 1, res: { _res: response } };
        const dropped = begun(new OpenMessages(wired), message);
        drops = () => {
          dropped?.send([null, { ...message, caption } as unknown as NodeMessage]);
          dropped?.done();
        };
        other = begun(new OpenMessages(wired), { ...message });
      });
      afterEach(() => mock.timers.reset());

      it('leaves it to the one that still works on it', () => {
        drops();
        mock.timers.tick(5_000);
        other?.send([message as NodeMessage, null]);
        other?.done();
        mock.timers.tick(5_000);
        assert.deepEqual(answer, []);
      });

      it('leaves it to the nodes behind the one that has sent its answer on', () => {
        other?.send([message as NodeMessage, null]);
        other?.done();
        drops();
        mock.timers.tick(5_000);
        assert.deepEqual(answer, []);
      });

      it('answers it if both drop it', () => {
        drops();
        mock.timers.tick(5_000);
        other?.send([null, { ...message, caption } as unknown as NodeMessage]);
        other?.done();
        mock.timers.tick(5_000);
        assert.deepEqual(answer, [503, caption.reason]);
      });

      it('answers it if the node before both has led to them', () => {
        other?.done();
        const before = begun(new OpenMessages(wired), message);
        before?.send([message as NodeMessage, null]);
        before?.done();
        const after = begun(new OpenMessages(wired), message);
        drops();
        after?.send([null, { ...message, caption } as unknown as NodeMessage]);
        after?.done();
        mock.timers.tick(5_000);
        assert.deepEqual(answer, [503, caption.reason]);
      });
    });

    describe('if a message leaves through an output without a wire', () => {
      const request = { payload: 1, res: { _res: response } };
      const passes = (message: object, added: object): void => {
        const open = begun(new OpenMessages({ ...node, wires: [[], []] } as Node), message);
        open?.send([{ ...message, ...added } as NodeMessage, null]);
        open?.done();
        mock.timers.tick(5_000);
      };
      beforeEach(() => {
        answer = [];
        mock.timers.enable({ apis: ['setTimeout'] });
      });
      afterEach(() => mock.timers.reset());

      it('answers it when the vision node has dropped the frame', () => {
        const final = {
          type: 'dropped',
          id: '1',
          reason: 'superseded',
          message: 'a newer frame came',
        } as const;
        passes(request, { vision: droppedVision(final, 'porch') });
        assert.deepEqual(answer, [503, 'a newer frame came']);
      });

      it('leaves it to others when a fallback stands in for the caption, or an earlier node held the frame', () => {
        const caption = { text: 'Someone is there.', fallbackReason: 'deadline', reason: 'it took too long' };
        passes(request, { caption });
        passes({ ...request, frame: { held: 'unchanged', reason: 'it is unchanged' } }, { entry: {} });
        assert.deepEqual(answer, []);
      });
    });

    it('leaves it to a node that was wired to the output meanwhile', () => {
      answer = [];
      mock.timers.enable({ apis: ['setTimeout'] });
      try {
        const changing = { ...node, wires: [['next'], []] as string[][] };
        const message = { payload: 1, res: { _res: response } };
        const open = begun(new OpenMessages(changing as unknown as Node), message);
        changing.wires = [['next'], ['said']];
        open?.send([
          null,
          {
            ...message,
            caption: { dropped: 'superseded', reason: 'a newer frame came' },
          } as unknown as NodeMessage,
        ]);
        open?.done();
        mock.timers.tick(5_000);
        assert.deepEqual(answer, []);
      } finally {
        mock.timers.reset();
      }
    });

    it('leaves it to the Catch nodes when only nodes close, and to whoever has begun to answer', () => {
      closed('nodes');
      assert.deepEqual(answer, []);
      closed('full', true);
      assert.deepEqual(answer, []);
    });
  });

  it('refuses a message that arrives after the node has closed', () => {
    const messages = opened();
    messages.close();
    assert.equal(begun(messages), undefined);
    assert.deepEqual(seen, ['node-closed']);
  });

  for (const [kind, message] of Object.entries({
    'a frozen message': Object.freeze({ payload: 1 }),
    'a message with a getter': {
      get payload() {
        return 1;
      },
    },
    'a proxy': new Proxy({ payload: 1 }, { set: () => false }),
  })) {
    it(`works on a copy of ${kind}, which Catch nodes receive`, () => {
      const open = begun(opened(), message);
      assert.ok(open);
      open.message.payload = 2;
      const failure = Object.assign(new Error('no'), { code: 'some-code' });
      open.done(failure);
      assert.deepEqual(seen, [['some-code', { payload: 2 }]]);
    });
  }

  it('hides what only the copy no longer has from Complete nodes', () => {
    begun(opened({ hide: () => {} }), Object.freeze({ payload: 1 }))?.done();
    assert.deepEqual(seen, []);
    begun(opened(), Object.freeze({ payload: 1 }))?.done();
    assert.deepEqual(seen, ['done']);
  });

  it('reports a message that cannot be read, with what an answer needs', () => {
    const message = {
      _msgid: 'm',
      res: 'response',
      get payload(): never {
        throw new Error('no such picture');
      },
    };
    assert.equal(begun(opened(), message), undefined);
    assert.deepEqual(seen, [['node-message', { _msgid: 'm', res: 'response' }]]);
  });

  it('ends a message that cannot be sent or given to Catch nodes with an error', () => {
    const refuse = (): never => {
      throw new Error('cannot be cloned');
    };
    const open = opened().begin({ payload: 1 } as NodeMessage, refuse, refuse);
    open?.send([]);
    open?.done();
    assert.deepEqual(seen, [['node-message', {}]]);
  });
});
