import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Publishes a frame a second for each camera until the signal is aborted. No two frames are the same bytes, so that
 * no cache answers.
 * @param names of the cameras; they share the shipped frames
 * @returns frames sent, by camera
 */
export async function runCameras(broker, names, folder, signal) {
  const frames = readdirSync(folder)
    .filter((file) => file.endsWith('.jpg'))
    .sort()
    .map((file) => readFileSync(join(folder, file)));
  const sent = Object.fromEntries(names.map((name) => [name, 0]));
  const begin = Date.now();
  const camera = async (name, index) => {
    for (let turn = 0; ; turn++) {
      const due = begin + turn * 1000 + (index * 1000) / names.length;
      await delay(Math.max(0, due - Date.now()), undefined, { signal });
      const frame = frames[(turn + 3 * index) % frames.length];
      sent[name] += 1;
      await broker.publish(`cameras/${name}/frame`, withComment(frame, `${name} ${turn}`));
    }
  };
  await Promise.allSettled(names.map(camera)).then((ends) => {
    const failed = ends.find(({ reason }) => reason.name !== 'AbortError');
    if (failed) throw failed.reason;
  });
  return sent;
}

/** @returns the JPEG with a comment segment after its first marker */
export function withComment(jpeg, text) {
  const comment = Buffer.from(text);
  const head = Buffer.from([0xff, 0xfe, 0, comment.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, comment, jpeg.subarray(2)]);
}
