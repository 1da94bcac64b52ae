import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { SmolvlmError } from '../../src/errors';
import type { NewTimelineEntry } from '../../src/timeline/timeline-entry';
import type { TimelineStore } from '../../src/timeline/timeline-store';

const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 1, 2, 3);
const noon = new Date(2026, 10, 27, 12).getTime();
const minute = 60_000;

/** What every timeline store does. @param open an empty store for each test */
export function timelineStoreContract(name: string, open: () => Promise<TimelineStore>): void {
  describe(`a timeline in ${name}`, () => {
    let store: TimelineStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const add = (text: string, rest: Partial<NewTimelineEntry> = {}): Promise<number> =>
      store.add({ camera: 'porch', text, timeMs: noon, ...rest });
    const texts = async (query: Parameters<TimelineStore['search']>[0]): Promise<string[]> =>
      (await store.search(query)).entries.map(({ text }) => text);

    it('gives an entry back as it was added', async () => {
      const entry = {
        camera: 'porch',
        text: 'A man with a parcel.',
        answers: { 'Is there a parcel?': true, colours: ['brown', null], count: { men: 1 } },
        ...{ prompt: 'Describe it.', model: 'SmolVLM-256M', seconds: 1.25, width: 640, height: 480 },
        timeMs: noon,
      };
      const id = await store.add(entry, { picture: jpeg });
      assert.deepEqual(await store.entry(id), {
        ...entry,
        ...{ id, changed: true, hasPicture: true, hasThumbnail: false },
      });
      assert.deepEqual(Buffer.from((await store.picture(id)) ?? []), Buffer.from(jpeg));
      assert.equal(await store.thumbnail(id), undefined);
    });

    it('keeps a later answer with its entry, and finds it', async () => {
      const id = await add('A man.', { answers: { 'Is there a parcel?': true } });
      const entry = await store.addAnswer(id, 'What does he carry?', 'a ladder');
      assert.deepEqual(entry?.answers, { 'Is there a parcel?': true, 'What does he carry?': 'a ladder' });
      assert.deepEqual(await store.entry(id), entry);
      assert.deepEqual(await texts({ text: 'ladder' }), ['A man.']);
      assert.deepEqual(await texts({ text: 'man', camera: 'porch', changed: true }), ['A man.']);
      assert.equal(await store.addAnswer(5, 'Why?', 'because'), undefined);
    });

    it('knows nothing of an id that was never given', async () => {
      assert.equal(await store.entry(5), undefined);
      assert.equal(await store.picture(5), undefined);
      assert.equal(await store.remove([5]), 0);
    });

    it('pages through the entries, the newest first', async () => {
      for (const index of [1, 3, 2, 5, 4]) await add(`number ${index}`, { timeMs: noon + index * minute });
      const first = await store.search({ limit: 3 });
      assert.deepEqual(
        first.entries.map(({ text }) => text),
        ['number 5', 'number 4', 'number 3'],
      );
      assert.deepEqual(await texts({ limit: 3, before: first.next as number }), ['number 2', 'number 1']);
      assert.equal((await store.search({ limit: 5 })).next, undefined);
    });

    it('keeps entries of one millisecond apart and in their order', async () => {
      const ids = await Promise.all(['first', 'second', 'third'].map((text) => add(text)));
      assert.equal(new Set(ids).size, 3);
      assert.deepEqual(await texts({}), ['third', 'second', 'first']);
    });

    it('finds entries by camera, time and change, alone and together with words', async () => {
      await add('a red car');
      await add('A red car!', { timeMs: noon + minute });
      await add('a red car', { camera: 'drive', timeMs: noon + 2 * minute });
      await add('a blue car', { timeMs: noon + 3 * minute });
      assert.deepEqual(await texts({ camera: 'drive' }), ['a red car']);
      assert.deepEqual(await texts({ camera: 'attic' }), []);
      assert.deepEqual(await texts({ from: noon + minute, to: noon + 2 * minute }), ['A red car!']);
      assert.deepEqual(await texts({ changed: true, camera: 'porch' }), ['a blue car', 'a red car']);
      assert.deepEqual(await texts({ changed: false }), ['A red car!']);
      assert.deepEqual(await texts({ text: 'red', camera: 'porch', changed: true }), ['a red car']);
      assert.deepEqual(await texts({ text: 'car', camera: 'porch', from: noon + minute }), [
        'a blue car',
        'A red car!',
      ]);
      assert.deepEqual(await texts({ text: 'red', changed: false }), ['A red car!']);
    });

    it('finds all words, beginnings of words and phrases, and leaves out excluded words', async () => {
      await add('A man delivers two parcels.');
      await add('A man walks a dog.', { timeMs: noon + minute });
      assert.deepEqual(await texts({ text: 'parcel MAN' }), ['A man delivers two parcels.']);
      assert.deepEqual(await texts({ text: '"two parcels"' }), ['A man delivers two parcels.']);
      assert.deepEqual(await texts({ text: '"parcels two"' }), []);
      assert.deepEqual(await texts({ text: 'man -dog' }), ['A man delivers two parcels.']);
      assert.deepEqual(await texts({ text: 'cat' }), []);
    });

    it('finds words of other languages', async () => {
      await add('Ein Paket liegt vor der Haustür.');
      await add('Un colis est posé près de l’entrée.');
      await add('门口有一个包裹和一只黑猫。');
      assert.deepEqual(await texts({ text: 'haustur' }), ['Ein Paket liegt vor der Haustür.']);
      assert.deepEqual(await texts({ text: 'entree' }), ['Un colis est posé près de l’entrée.']);
      assert.deepEqual(await texts({ text: '包裹' }), ['门口有一个包裹和一只黑猫。']);
      assert.deepEqual(await texts({ text: '黑猫 门口' }), ['门口有一个包裹和一只黑猫。']);
      assert.deepEqual(await texts({ text: '猫黑' }), []);
    });

    it('finds what was answered, not what was asked', async () => {
      await add('yes', { answers: { 'Is there a parcel?': 'a brown box' } });
      assert.deepEqual(await texts({ text: 'box' }), ['yes']);
      assert.deepEqual(await texts({ text: 'parcel' }), []);
    });

    for (const text of [
      '"',
      '*',
      'a AND',
      'NEAR(',
      'text:car',
      '-',
      '^car',
      "'; DROP TABLE entry",
      '{text}:',
      '\u0000car',
      '(((',
      '😀',
      ' ',
    ]) {
      it(`takes ${JSON.stringify(text)} as words, not as a query language`, async () => {
        await add('nothing of this');
        await store.search({ text });
        assert.equal((await store.statistics()).entries, 1);
      });
    }

    it('removes entries with their pictures and words', async () => {
      const id = await store.add({ camera: 'porch', text: 'a fox' }, { picture: jpeg, thumbnail: jpeg });
      await add('a hedgehog');
      assert.equal(await store.remove([id, id, 7]), 1);
      assert.equal(await store.picture(id), undefined);
      assert.equal(await store.thumbnail(id), undefined);
      assert.deepEqual(await texts({ text: 'fox' }), []);
      const { entries, pictures, cameras } = await store.statistics();
      assert.deepEqual({ entries, pictures, cameras }, { entries: 1, pictures: 0, cameras: 1 });
    });

    it('counts by camera and by day', async () => {
      await add('a fox');
      await add('a fox', { timeMs: noon + minute });
      await add('a fox', { camera: 'drive', timeMs: noon - 24 * 60 * minute });
      assert.deepEqual(await store.cameras(), [
        { camera: 'drive', entries: 1, lastMs: noon - 24 * 60 * minute },
        { camera: 'porch', entries: 2, lastMs: noon + minute },
      ]);
      assert.deepEqual(await store.days(), [
        { day: '2026-11-27', entries: 2, changed: 1 },
        { day: '2026-11-26', entries: 1, changed: 1 },
      ]);
      assert.deepEqual(await store.days({ camera: 'drive' }), [
        { day: '2026-11-26', entries: 1, changed: 1 },
      ]);
      assert.deepEqual(await store.days({ camera: 'attic' }), []);
      const { oldestMs, newestMs } = await store.statistics();
      assert.deepEqual([oldestMs, newestMs], [noon - 24 * 60 * minute, noon + minute]);
    });

    it('sums up what each camera had in a range of times', async () => {
      await add('a fox', { timeMs: noon });
      await add('a fox', { timeMs: noon + minute });
      await add('a cat', { timeMs: noon + 2 * minute });
      await add('a van', { camera: 'drive', timeMs: noon });
      assert.deepEqual(await store.summary({ from: noon, to: noon + 2 * minute }), [
        { camera: 'drive', entries: 1, changed: 1, firstMs: noon, lastMs: noon },
        { camera: 'porch', entries: 2, changed: 1, firstMs: noon, lastMs: noon + minute },
      ]);
    });

    it('tells listeners of each new entry until they end', async () => {
      const heard: string[] = [];
      const end = store.onAdded(({ text }) => heard.push(text));
      await add('one');
      end();
      await add('two');
      assert.deepEqual(heard, ['one']);
    });

    it('refuses a time that cannot be, and keeps the entries beside it', async () => {
      const bad = assert.rejects(add('never', { timeMs: Number.NaN }), { code: 'timeline-time' });
      await Promise.all([bad, add('kept')]);
      assert.deepEqual(await texts({}), ['kept']);
    });

    it('keeps answers as JSON holds them, refuses those that it cannot hold, and goes on', async () => {
      const unsendable = { at: new Date(noon), 'a function': () => 1 };
      const id = await add('kept', { answers: unsendable as never });
      assert.deepEqual((await store.entry(id))?.answers, { at: new Date(noon).toISOString() });
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      for (const answers of [{ count: 1n }, circular]) {
        await assert.rejects(add('never', { answers: answers as never }), { code: 'timeline-message' });
      }
      await add('after', { timeMs: noon + minute });
      assert.deepEqual(await texts({}), ['after', 'kept']);
    });

    it('answers what was asked before it was closed, and nothing after', async () => {
      const kept = add('last');
      await store.close();
      assert.ok(await kept);
      await assert.rejects(
        () => add('too late'),
        (error: unknown) => error instanceof SmolvlmError && error.code === 'timeline-closed',
      );
    });
  });
}
