import assert from 'node:assert/strict';
import type { EngineApi } from '../../src/client/engine-api';
import type { DescribeFinal, EngineEvent, FeaturesFinal } from '../../src/protocol/events';
import { type EnginePlace, enginePlaces } from './engine-places';

const picture = Buffer.from('a picture');

function outcome(final: DescribeFinal | FeaturesFinal): string {
  if (final.type === 'features') return `features ${final.features.handles.map(({ id }) => id).join(' ')}`;
  if (final.type === 'result') return `result ${final.result.prompt}`;
  return final.type === 'error' ? `error ${final.error.code}` : `dropped ${final.reason}`;
}

for (const [name, open] of enginePlaces) {
  describe(`client of a ${name} engine`, () => {
    let place: EnginePlace;
    let client: EngineApi;
    before(async () => {
      place = await open();
      client = place.client();
    });
    after(() => place.close());

    it('emits queued, progress and tokens in order, and then the result', async () => {
      const events: EngineEvent[] = [];
      const final = await client.describe({ prompt: 'a b c', camera: 'porch', stream: true }, [picture], {
        onEvent: (event) => events.push(event),
      });
      assert.equal(events[0]?.type, 'queued');
      assert.ok(events.some(({ type }) => type === 'progress'));
      const text = events.map((event) => (event.type === 'token' ? event.text : '')).join('');
      assert.equal(final.type, 'result');
      if (final.type !== 'result') return;
      assert.equal(final.result.text, '1 of 9 bytes: a b c');
      assert.equal(text, final.result.text);
      assert.equal(final.result.camera, 'porch');
    });

    it('sends no tokens that were not asked for', async () => {
      const types: string[] = [];
      await client.describe({ prompt: 'a b' }, [picture], { onEvent: ({ type }) => types.push(type) });
      assert.ok(!types.includes('token'));
    });

    it('asks for one of several choices, and returns the probability of each', async () => {
      const final = await client.describe({ prompt: 'x', choices: ['yes', 'no', 'ja, „ß“'] }, [picture]);
      assert.equal(final.type === 'result' && final.result.text, 'yes');
      const choices = final.type === 'result' ? final.result.choices : undefined;
      assert.deepEqual(
        choices?.map(({ text }) => text),
        ['yes', 'no', 'ja, „ß“'],
      );
      assert.deepEqual(
        choices?.map(({ probability }) => Math.round(100 * probability)),
        [33, 33, 33],
      );
    });

    it('asks for JSON by a schema, returns it parsed, and refuses a schema that cannot be used', async () => {
      const jsonSchema = {
        type: 'object',
        properties: { people: { type: 'integer' }, dog: { type: 'boolean' } },
      } as const;
      const final = await client.describe({ prompt: 'x', jsonSchema }, [picture]);
      assert.deepEqual(final.type === 'result' && final.result.json, { asked: ['people', 'dog'] });
      const refused = await client.describe({ prompt: 'x', jsonSchema: { type: 'colour' } as never }, [
        picture,
      ]);
      assert.equal(outcome(refused), 'error request-json-schema');
      const both = await client.describe({ prompt: 'x', jsonSchema, choices: ['a', 'b'] }, [picture]);
      assert.match(outcome(both), /^error request-/);
    });

    it('keeps several pictures apart and in order, with any bytes', async () => {
      const odd = Buffer.from([13, 10, 45, 45, 0, 255, 13, 10]);
      const final = await client.describe({ prompt: 'x' }, [odd, Buffer.alloc(200_000, 10), picture]);
      assert.match(final.type === 'result' ? final.result.text : '', /^3 of 8\+200000\+9 bytes/);
    });

    it('passes an error of the model on with its code', async () => {
      assert.equal(outcome(await client.describe({ prompt: 'fail' }, [picture])), 'error image-truncated');
      // On this machine a model may be a folder; over a network it is one of the engine's names.
      const missing = outcome(await client.describe({ model: 'missing' }, [picture]));
      assert.match(missing, /^error (checkpoint-missing|model-not-found)$/);
    });

    it('ends a request past its deadline, running or waiting', async () => {
      const both = await Promise.all([
        client.describe({ prompt: 'slow 60000', deadlineMs: 60 }, [picture]),
        client.describe({ prompt: 'second', deadlineMs: 20 }, [picture]),
      ]);
      assert.deepEqual(both.map(outcome), ['dropped deadline', 'dropped deadline']);
    });

    it('drops a frame that waited longer than its maximum age', async () => {
      const abort = new AbortController();
      const slow = client.describe({ prompt: 'slow 60000' }, [picture], { signal: abort.signal });
      const final = await client.describe({ prompt: 'x', maxAgeMs: 30 }, [picture]);
      assert.equal(outcome(final), 'dropped expired');
      abort.abort();
      assert.equal(outcome(await slow), 'dropped cancelled');
    });

    it('cancels waiting and running requests by id, and continues', async () => {
      const running = client.describe({ id: 'run', prompt: 'slow 60000' }, [picture], {
        onEvent: ({ type }) => type === 'progress' && client.cancel('run'),
      });
      assert.equal(outcome(await running), 'dropped cancelled');
      assert.equal(outcome(await client.describe({ prompt: 'next' }, [picture])), 'result next');
    });

    it('answers a finished id again without describing it again', async () => {
      const first = await client.describe({ id: 'once', prompt: 'x' }, [picture]);
      const again = await place.client().describe({ id: 'once', prompt: 'another' }, [picture]);
      assert.deepEqual(again, first);
    });

    it('replaces the oldest waiting frame of a camera by the newest', async () => {
      const queue = { policy: 'newest', capacity: 1 } as const;
      const abort = new AbortController();
      const slow = client.describe({ prompt: 'slow 60000', camera: 'other' }, [picture], {
        signal: abort.signal,
      });
      const first = client.describe({ prompt: 'first', queue }, [picture], {
        onEvent: ({ type }) => {
          if (type === 'queued') void second();
        },
      });
      let secondFinal: Promise<DescribeFinal> | undefined;
      const second = async (): Promise<void> => {
        secondFinal = client.describe({ prompt: 'second', queue }, [picture]);
      };
      assert.equal(outcome(await first), 'dropped superseded');
      abort.abort();
      await slow;
      assert.equal(outcome(await (secondFinal ?? slow)), 'result second');
    });

    it('survives the end of the inference thread', async () => {
      assert.equal(outcome(await client.describe({ prompt: 'exit' }, [picture])), 'error engine-thread-lost');
      assert.equal(outcome(await client.describe({ prompt: 'next' }, [picture])), 'result next');
    });

    it('refuses to keep more pictures than it may', async () => {
      const small = place.client({ maxKeptBytes: 8 });
      assert.equal(outcome(await small.describe({}, [picture])), 'error client-full');
    });

    it('names an unknown field and a wrong value', async () => {
      const final = await client.describe({ prompt: 'x', colour: 'red' } as object, [picture]);
      assert.match(final.type === 'error' ? final.error.message : '', /field "colour"/);
      const wrong = await client.describe({ detail: 'medium' } as object, [picture]);
      assert.match(wrong.type === 'error' ? wrong.error.message : '', /request\.detail .*low, full/);
      assert.equal(outcome(await client.describe({}, [])), 'error request-no-picture');
    });

    it('encodes pictures and answers questions about them by their handles, alone or in messages', async () => {
      const events: EngineEvent[] = [];
      const final = await client.encode({ camera: 'porch', detail: 'full' }, [picture, Buffer.alloc(5)], {
        onEvent: (event) => events.push(event),
      });
      assert.equal(outcome(final), 'features handle-9 handle-5');
      if (final.type !== 'features') return;
      assert.equal(events[0]?.type, 'queued');
      assert.ok(events.some((event) => event.type === 'progress' && event.phase === 'vision'));
      const { handles, camera, tiles, vision, queuedMs } = final.features;
      assert.deepEqual([camera, tiles, vision?.coreBusy], ['porch', 2, [0, 0.5, 1]]);
      assert.ok(queuedMs >= 0);
      const { instance } = await client.status();
      assert.ok(handles.every(({ engine, detail }) => engine === instance && detail === 'full'));
      const features = handles.map(({ id }) => id);
      const answer = await client.describe({ prompt: 'x', features }, []);
      assert.equal(answer.type === 'result' && answer.result.text, '2 of 9+5 bytes: x');
      const content = [{ type: 'image' }, { type: 'text', text: 'y' }] as const;
      const other = await client.describe(
        { messages: [{ role: 'user', content }], features: features.slice(1) },
        [],
      );
      assert.equal(other.type === 'result' && other.result.text, '1 of 5 bytes: y');
    });

    it('says that features are gone, and does not count that among its errors', async () => {
      const final = await client.describe({ prompt: 'x', features: ['never seen'] }, []);
      assert.equal(outcome(final), 'error features-gone');
      const { lastErrors } = await client.status();
      assert.ok(!lastErrors.some(({ error }) => error.code === 'features-gone'));
    });

    it('cancels, ends and fails a frame to be encoded like any other', async () => {
      const running = client.encode({ id: 'encoding', camera: 'slow 60000' }, [picture], {
        onEvent: ({ type }) => type === 'progress' && client.cancel('encoding'),
      });
      assert.equal(outcome(await running), 'dropped cancelled');
      const late = await client.encode({ camera: 'slow 60000', deadlineMs: 60 }, [picture]);
      assert.equal(outcome(late), 'dropped deadline');
      assert.equal(outcome(await client.encode({ camera: 'fail' }, [picture])), 'error image-truncated');
      assert.equal(outcome(await client.encode({}, [])), 'error request-no-picture');
    });

    it('answers an id again only with what it was asked for', async () => {
      const first = await client.encode({ id: 'seen once' }, [picture]);
      assert.deepEqual(await place.client().encode({ id: 'seen once' }, [Buffer.alloc(3)]), first);
      const other = await place.client().describe({ id: 'seen once' }, [picture]);
      assert.equal(outcome(other), 'error client-id-in-use');
    });

    it('keeps waiting questions in different groups from replacing each other', async () => {
      const queue = { policy: 'newest', capacity: 1 } as const;
      const abort = new AbortController();
      const started = new Promise<void>((resolve) => {
        void client.describe({ prompt: 'slow 60000', camera: 'door' }, [picture], {
          signal: abort.signal,
          onEvent: ({ type }) => type === 'progress' && resolve(),
        });
      });
      await started;
      let waiting = 0;
      const questions = ['a', 'b', 'c'].map((group) =>
        client.describe({ prompt: group, camera: 'door', queue: { ...queue, group } }, [picture], {
          onEvent: ({ type }) => {
            if (type === 'queued') waiting += 1;
            if (waiting === 3) abort.abort();
          },
        }),
      );
      const finals = await Promise.all(questions);
      assert.deepEqual(finals.map(outcome), ['result a', 'result b', 'result c']);
    });

    it('reports models, cameras and errors in its status', async () => {
      await client.describe({ prompt: 'x', camera: 'gate' }, [picture]);
      const { models, cameras, lastErrors, state } = await client.status();
      assert.equal(state, 'ready');
      assert.equal(models[0]?.backend, 'fake');
      assert.equal(cameras.gate?.done, 1);
      assert.ok(lastErrors.some(({ error }) => error.code === 'image-truncated'));
    });

    it('fails at once what cannot be sent, and does not try again until the deadline', async () => {
      const circular: { self?: unknown } = {};
      circular.self = circular;
      const final = await client.describe({ prompt: 'x', jsonSchema: circular as never }, [picture]);
      assert.equal(outcome(final), 'error internal');
      assert.equal(outcome(await client.describe({ prompt: 'next' }, [picture])), 'result next');
    });

    it('fails only the caller whose listener throws', async () => {
      const final = await client.describe({ prompt: 'slow 50' }, [picture], {
        onEvent: () => {
          throw new Error('the listener broke');
        },
      });
      assert.equal(final.type === 'error' && final.error.message, 'the listener broke');
      assert.equal(outcome(await client.describe({ prompt: 'next' }, [picture])), 'result next');
    });
  });
}
