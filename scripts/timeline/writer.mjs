// Writes entries to a timeline and prints the id of each when it is acknowledged: node writer.mjs FOLDER MEGABYTES SEED
import { openTimeline } from '../../dist/src/timeline/sqlite/open-timeline.js';
import { captionText, seeded } from './caption-words.mjs';

const [folder, megabytes, seed] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const store = await openTimeline({ folder, retention: megabytes > 0 ? { megabytes } : {} });
const random = seeded(seed);
process.stdout.write('ready\n');
for (;;) {
  // Some entries are written together, as those of several cameras are.
  await Promise.all(
    Array.from({ length: 1 + random(6) }, async () => {
      const text = captionText(random);
      const picture = Buffer.alloc(200 + random(60_000), random(256));
      const id = await store.add(
        { camera: `camera-${random(4)}`, text },
        { thumbnail: picture.subarray(0, 4000), picture },
      );
      process.stdout.write(`${JSON.stringify({ id, text, bytes: picture.length, byte: picture[0] })}\n`);
    }),
  );
  if (random(10) === 0) {
    const { entries } = await store.search({ limit: 3, before: Number.MAX_SAFE_INTEGER });
    const last = entries.at(-1);
    process.stdout.write(`${JSON.stringify({ removing: last.id })}\n`);
    await store.remove([last.id]);
    process.stdout.write(`${JSON.stringify({ removed: last.id })}\n`);
  }
}
