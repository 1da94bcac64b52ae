import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { frigateUpdate } from '../../src/mqtt/frigate/frigate';
import { Outbox } from '../../src/mqtt/outbox';
import type { OutgoingMessage, PublishOutcome } from '../../src/mqtt/transport/mqtt-transport';
import { fuzz, fuzzTimeoutMs, mutatedJson, mutatedText } from '../fuzz';
import { FakeTransport } from './transport/fake-transport';

const outcomes = fc.constantFrom<PublishOutcome>(
  { kind: 'sent' },
  { kind: 'sent' },
  { kind: 'unsent' },
  { kind: 'refused', reason: 'not authorized', tooLarge: false },
);

const steps = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send'), topic: fc.nat(3), retain: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('connect', 'break', 'restore', 'wait') }) },
);

describe('MQTT outbox, fuzzed', function () {
  this.timeout(fuzzTimeoutMs);

  it('publishes or reports every message, and ends with the newest retained one of each topic', async () => {
    await fuzz(
      fc.asyncProperty(
        fc.array(steps, { maxLength: 40 }),
        fc.infiniteStream(outcomes),
        async (taken, stream) => {
          const transport = new FakeTransport();
          transport.outcome = () => stream.next().value;
          const refused: OutgoingMessage[] = [];
          const outbox = new Outbox(transport, {
            onRefused: (message) => refused.push(message),
            onOverflow: () => assert.fail('40 messages fit'),
          });
          transport.onConnected(() => outbox.connected());
          const sent: OutgoingMessage[] = [];
          for (const step of taken) {
            if ('topic' in step) {
              const message = {
                topic: `t${step.topic}`,
                payload: String(sent.length),
                qos: 1,
                retain: step.retain,
              } as const;
              sent.push(message);
              outbox.send(message);
            } else if (step.kind === 'connect') transport.connect();
            else if (step.kind === 'break') transport.connected = false;
            else if (step.kind === 'restore') outbox.restore();
            else await turn();
          }
          transport.outcome = () => ({ kind: 'sent' });
          transport.connect();
          await turn();
          transport.connect();
          await turn();
          for (const message of sent) {
            const isNewest =
              sent.findLast(({ topic, retain }) => topic === message.topic && retain) === message;
            if (message.retain && !isNewest) continue;
            const refusals = refused.filter(({ topic }) => topic === message.topic).length;
            const isOut = transport.published.includes(message) || refused.includes(message);
            assert.ok(
              isOut || refusals >= 2,
              `${message.payload} is neither published, refused nor on a given-up topic`,
            );
          }
        },
      ),
    );
  });

  it('reads any tracked object update of Frigate, or ignores it', async () => {
    const update = {
      type: 'face',
      id: '1700000000.1-abc',
      camera: 'hall',
      description: 'A cat.',
      score: 0.9,
    };
    await fuzz(
      fc.property(
        fc.oneof(
          mutatedJson(update).map((json) => JSON.stringify(json) ?? ''),
          mutatedText(JSON.stringify(update)),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          const read = frigateUpdate(Buffer.from(text));
          if (read) assert.match(read.id, /^[\w.-]{1,80}$/);
        },
      ),
    );
  });
});
