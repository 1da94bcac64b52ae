import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup.mjs';

const folder = join(root, 'models', 'demo-frames');
const read = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const names = readdirSync(folder).filter((name) => name.endsWith('.jpg'));

/** The shipped frames and the camera each comes from: `frame_05_porch_day.jpg` is the porch's. */
export const frames = names.sort().map((file) => ({ file, camera: file.split('_')[2] }));

/** The frames that the demo model describes as they were drawn: it takes one bird for a dog. */
export const rightFrames = frames.filter(({ file }) => {
  const drawn = read('frames.json').find((each) => each.file === file);
  const described = read('expected.json').find(
    ({ frame, prompt }) => frame === file && prompt === 'Describe this image.',
  );
  return drawn.caption === described.text;
});

export function frameFile(name) {
  return join(folder, name);
}
