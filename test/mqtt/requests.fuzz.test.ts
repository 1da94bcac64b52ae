import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { errorBody, SmolvlmError } from '../../src/errors';
import { DescribeService } from '../../src/mqtt/describe-service';
import type { PreparePicture } from '../../src/mqtt/published-picture';
import type { CameraAnswer } from '../../src/mqtt/requests/camera-request';
import { describePayload, pressPayload } from '../../src/mqtt/requests/describe-payload';
import { isCameraName, isPublishTopic } from '../../src/mqtt/topic-names';
import { fillPrompt } from '../../src/template/prompt-template';
import { fuzz, fuzzTimeoutMs, mutatedBytes, mutatedJson, mutatedText } from '../fuzz';
import { FakeEngine } from './fake-engine';
import { FakeTransport } from './transport/fake-transport';

const jpeg = Buffer.from('\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xd9', 'latin1');

const request = {
  picture: jpeg.toString('base64'),
  prompt: 'Is there a parcel at the {{camera}}?',
  choices: ['Yes.', 'No.'],
  detail: 'low',
  maxTokens: 40,
  deadline: 2.5,
  priority: 1,
  capturedAt: '2026-01-01T00:00:00.000Z',
  crop: { x: 0, y: 0, width: 0.5, height: 0.5 },
  masks: [
    [
      [0, 0],
      [1, 0],
      [1, 1],
    ],
  ],
  label: 'person',
  id: '7',
};

const payloads: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  mutatedBytes(jpeg),
  mutatedJson(request).map((json) => Buffer.from(JSON.stringify(json) ?? '')),
  mutatedText(JSON.stringify(request)).map((text) => Buffer.from(text)),
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text)),
  fc
    .constantFrom(
      ...[
        '',
        pressPayload,
        '{',
        '{}',
        'null',
        '[]',
        '<html>',
        'data:,',
        'data:;base64,',
        '{{',
        '{{#a}}',
        '\ufeff{}',
      ],
      ...['http://', 'http://[', 'https://h', jpeg.toString('base64'), '{"__proto__":{}}', '{"prompt":null}'],
    )
    .map((text) => Buffer.from(text)),
);

/** Names as MQTT lets them through: no wildcards, no NUL. */
const levels = fc.oneof(
  fc.constantFrom(
    'porch',
    'street',
    'a/b',
    'a/b/c/d',
    '',
    ' ',
    '$x',
    'ü 東',
    'x'.repeat(64),
    'x'.repeat(65),
    '\u0001',
    '__proto__',
  ),
  fc.string({ unit: 'grapheme', maxLength: 80 }).filter((name) => !/[+#\0]/.test(name)),
);

const responseTopics = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  fc.constantFrom(
    'asker/7',
    '',
    'a/#',
    '+',
    '$SYS/x',
    'smolvlm/porch/describe',
    'smolvlm/describe',
    '\0',
    '\ud800',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

const messages = fc.record({
  name: levels,
  payload: payloads,
  retained: fc.boolean(),
  responseTopic: responseTopics,
  correlationData: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
});

/** The same request with an id is answered once, however often it arrives: none is repeated here. */
const arrivalsInOrder = fc.uniqueArray(messages, {
  ...{ minLength: 1, maxLength: 12 },
  comparator: (one, other) =>
    one.name === other.name && hasId(one) && Buffer.compare(one.payload, other.payload) === 0,
});

/** The fuzzed bytes are not pictures: they are published as they are. */
const prepare: PreparePicture = async (jpeg) => ({
  jpeg,
  ...{ width: 1, height: 1, brightness: 0, differenceHash: '' },
});

describe('MQTT requests, fuzzed', function () {
  this.timeout(fuzzTimeoutMs);

  it('are read, or refused by an error that says what is wrong', async () => {
    await fuzz(
      fc.property(payloads, (payload) => {
        try {
          const { picture, request } = describePayload(payload);
          assert.ok(
            picture === undefined || picture instanceof Uint8Array || /^(data:|https?:)/i.test(picture),
          );
          assert.equal(typeof request, 'object');
        } catch (error) {
          assert.ok(error instanceof SmolvlmError, errorBody(error).message);
          assert.equal(error.code, 'mqtt-request');
          assert.ok(error.message.length < 600, error.message);
        }
      }),
    );
  });

  it('are each answered once: messages = captions + drops + errors, and every answer has a topic', async () => {
    await fuzz(
      fc.asyncProperty(arrivalsInOrder, async (arrivals) => {
        const transport = new FakeTransport();
        const engine = new FakeEngine();
        const answers: CameraAnswer[] = [];
        const troubles: SmolvlmError[] = [];
        const service = new DescribeService({
          ...{ transport, engine, version: '1.2.3', fillPrompt, prepare },
          settings: {
            ...{ base: 'smolvlm', qos: 1, cameras: [], prompt: 'What is there?', defaults: {} },
            // No address that a generated payload names is fetched.
            ...{ allowAddresses: false, publishPicture: true, discoveryPrefix: 'homeassistant' },
          },
          onTrouble: (error) => troubles.push(error),
          onAnswer: (_request, answer) => answers.push(answer),
        });
        service.start();
        transport.connect();
        let expected = 0;
        for (const { name, payload, retained, responseTopic, correlationData } of arrivals) {
          const topic = `smolvlm/${name}/describe`;
          const before = answers.length;
          transport.deliver(topic, payload, {
            retained,
            ...(responseTopic !== undefined && { responseTopic }),
            ...(correlationData && { correlationData }),
          });
          // A retained message is not a request; one that cannot be read is answered all the same.
          if (retained) expected += answers.length - before;
          else if (isAnswerable(name, responseTopic)) expected += 1;
        }
        for (let turns = 0; answers.length < expected && turns < 500; turns++) await turn();
        await turn();
        assert.equal(answers.length, expected);
        assert.deepEqual(troubles, []);
        for (const { topic, payload } of transport.published) {
          assert.ok(isPublishTopic(topic), JSON.stringify(topic));
          if (/\/(dropped|error|attributes)$/.test(topic)) JSON.parse(String(payload));
        }
        await service.close();
        assert.equal(answers.length, expected, 'none is left when the service closes');
      }),
    );
  });

  it('of a closing service are dropped, each once', async () => {
    await fuzz(
      fc.asyncProperty(arrivalsInOrder, async (arrivals) => {
        const transport = new FakeTransport();
        const engine = new FakeEngine();
        engine.auto = false;
        const answers: CameraAnswer[] = [];
        const service = new DescribeService({
          ...{ transport, engine, version: '1.2.3', fillPrompt, prepare },
          settings: {
            ...{ base: 'smolvlm', qos: 1, cameras: [], prompt: 'What is there?', defaults: {} },
            ...{ allowAddresses: false, publishPicture: true },
          },
          onAnswer: (_request, answer) => answers.push(answer),
        });
        service.start();
        transport.connect();
        for (const { name, payload } of arrivals) transport.deliver(`smolvlm/${name}/describe`, payload);
        const expected = arrivals.filter(({ name }) => isAnswerable(name, undefined)).length;
        await service.close();
        await turn();
        assert.equal(answers.length, expected);
        assert.ok(answers.every(({ kind }) => kind !== 'caption'));
      }),
    );
  });
});

function hasId({ payload }: { readonly payload: Uint8Array }): boolean {
  return Buffer.from(payload).includes('"id"');
}

/** Whether the service subscribes to this topic, and there is a topic for the answer. */
function isAnswerable(name: string, responseTopic: string | undefined): boolean {
  if (name.split('/').length > 8) return false;
  if (isCameraName(name)) return true;
  const canReply =
    responseTopic !== undefined &&
    responseTopic !== '' &&
    isPublishTopic(responseTopic) &&
    !/^smolvlm\/.*\/describe$/s.test(responseTopic);
  return canReply || isPublishTopic(`smolvlm/${name}/error`);
}
