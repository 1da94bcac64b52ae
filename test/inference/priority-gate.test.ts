import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { type GateTicket, PriorityGate } from '../../src/inference/priority-gate';

const signal = new AbortController().signal;

async function settle(): Promise<void> {
  for (let turns = 0; turns < 6; turns++) await turn();
}

describe('PriorityGate', () => {
  let gate: PriorityGate;
  let passed: string[];

  beforeEach(() => {
    gate = new PriorityGate();
    passed = [];
  });

  function pass(name: string, ticket: GateTicket): Promise<void> {
    return ticket.pass(signal).then(() => void passed.push(name));
  }

  it('does not hold requests of one priority back for each other', async () => {
    const [a, b] = [gate.enter(0), gate.enter(0)];
    assert.equal(await a.pass(signal), false);
    assert.equal(await b.pass(signal), false);
  });

  it('holds a request at its safe point until those of higher priority have ended', async () => {
    const [camera, parcel, doorbell] = [gate.enter(0), gate.enter(5), gate.enter(10)];
    const all = [pass('camera', camera), pass('parcel', parcel), pass('doorbell', doorbell)];
    await settle();
    assert.deepEqual(passed, ['doorbell']);
    doorbell.leave();
    await settle();
    assert.deepEqual(passed, ['doorbell', 'parcel']);
    parcel.leave();
    await Promise.all(all);
    assert.deepEqual(passed, ['doorbell', 'parcel', 'camera']);
  });

  it('receives a request that arrived while a tile blocked the thread, before it lets the next tile start', async () => {
    const camera = gate.enter(0);
    let doorbell: GateTicket | undefined;
    const { port1, port2 } = new MessageChannel();
    port2.on('message', () => {
      doorbell = gate.enter(10);
    });
    await settle();
    port1.postMessage('doorbell');
    const waiting = pass('camera', camera);
    await settle();
    assert.ok(doorbell);
    assert.deepEqual(passed, []);
    doorbell.leave();
    await waiting;
    port1.close();
  });

  it('lets lower priorities continue while a request waits for what they have to finish', async () => {
    const [camera, doorbell] = [gate.enter(0), gate.enter(10)];
    const next = pass('camera', camera);
    await doorbell.aside(() => next);
    assert.deepEqual(passed, ['camera']);
    void pass('camera', camera);
    await settle();
    assert.deepEqual(passed, ['camera']);
  });

  it('ends the wait of a cancelled request', async () => {
    const camera = gate.enter(0);
    gate.enter(10);
    const abort = new AbortController();
    const waiting = camera.pass(abort.signal);
    await settle();
    abort.abort(new Error('deadline'));
    await assert.rejects(waiting, /deadline/);
  });

  it('holds nobody back for a request that ended while it was aside', async () => {
    const [camera, doorbell] = [gate.enter(0), gate.enter(10)];
    await doorbell.aside(async () => doorbell.leave());
    assert.equal(await camera.pass(signal), false);
  });
});
