import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { demoFrame } from '../../fixtures';
import { Watcher } from '../../mqtt/broker/watcher';
import type { NodeRedProcess } from '../node-red-process';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
/** A hang, not a slow machine. */
const answerMs = 120_000;
/** What the fake engine says about it. */
const about = `1 of ${street.length} bytes: Describe this image.`;

export interface Surroundings {
  readonly nodeRed: NodeRedProcess;
  readonly brokerPort: number;
  /** A checkpoint to convert. */
  readonly model: string;
  /** Where the bundle is to be. */
  readonly place: string;
}

/** What each type of the package is asked to do in a running Node-RED that holds the flow of test/package/every-node/every-node-flow.ts. */
export const jobs: Readonly<Record<string, (surroundings: Surroundings) => Promise<void>>> = {
  'smolvlm-engine': async ({ nodeRed }) => {
    const { model } = await answered(nodeRed, 'caption', street);
    assert.equal(model, 'chosen in the engine');
  },
  'smolvlm-caption': async ({ nodeRed }) => {
    const { text } = await answered(nodeRed, 'caption', street);
    assert.equal(text, about);
  },
  'smolvlm-vision': async ({ nodeRed }) => {
    const { text, cached } = await answered(nodeRed, 'vision', street);
    assert.deepEqual([text, cached], [about, true]);
  },
  'smolvlm-frame': async ({ nodeRed }) => {
    const prepared = Buffer.from(await (await sent(nodeRed, 'frame', street)).arrayBuffer());
    const { data, info } = await sharp(prepared).greyscale().raw().toBuffer({ resolveWithObject: true });
    const brightest = (from: number, to: number): number =>
      Math.max(...data.filter((_, at) => at % info.width >= from && at % info.width < to));
    assert.deepEqual([info.width, info.height], [320, 240]);
    // A JPEG's blocks of 8 pixels blur an edge.
    assert.ok(brightest(0, 152) < 16 && brightest(168, 320) > 150);
    const { held } = await answered(nodeRed, 'frame', street);
    assert.equal(held, 'unchanged');
  },
  'smolvlm-convert': async ({ nodeRed, model, place }) => {
    const message = { mode: 'convert', model, out: place, target: 'rk3588', precision: 'fp16' };
    const { path } = await answered(nodeRed, 'convert', JSON.stringify(message));
    assert.equal(path, place);
    assert.ok(existsSync(join(place, 'smolvlm-bundle.json')));
  },
  'smolvlm-timeline': async ({ nodeRed }) => {
    const { text, camera } = await answered(
      nodeRed,
      'timeline',
      JSON.stringify({ text: 'A fox on the lawn.' }),
    );
    assert.deepEqual([text, camera], ['A fox on the lawn.', 'garden']);
  },
  'smolvlm-mqtt': async ({ brokerPort }) => {
    const watcher = await Watcher.connect(brokerPort, 4);
    try {
      await watcher.on('smolvlm/availability', (state) => state === 'online');
      await watcher.publish('smolvlm/porch/describe', street);
      await watcher.on('smolvlm/porch/caption', (text) => text === about);
    } finally {
      await watcher.close();
    }
  },
};

/** Has the demo model describe a frame in an engine on this machine, started by the installed package. */
export async function captionHere(nodeRed: NodeRedProcess): Promise<void> {
  const { text, fallback } = await answered(nodeRed, 'caption-here', street);
  const expected: { frame: string; prompt: string; text: string }[] = JSON.parse(
    readFileSync(demoFrame('expected.json'), 'utf8'),
  );
  const wanted = expected.find(
    ({ frame, prompt }) => frame === 'frame_09_street_day.jpg' && prompt === 'Describe this image.',
  );
  assert.deepEqual({ text, fallback }, { text: wanted?.text, fallback: undefined });
}

/** Sends a body to the node behind an address. @returns the JSON that came out of it */
async function answered(
  nodeRed: NodeRedProcess,
  node: string,
  body: Buffer<ArrayBuffer> | string,
): Promise<Record<string, unknown>> {
  return JSON.parse(await (await sent(nodeRed, node, body)).text());
}

/** @returns an answer with status 200 */
async function sent(
  nodeRed: NodeRedProcess,
  node: string,
  body: Buffer<ArrayBuffer> | string,
): Promise<Response> {
  const type = typeof body === 'string' ? 'application/json' : 'image/jpeg';
  const options = { method: 'POST', body, headers: { 'content-type': type } };
  const answer = await fetch(`${nodeRed.url}/${node}`, { ...options, signal: AbortSignal.timeout(answerMs) });
  if (answer.status !== 200) assert.fail(await answer.text());
  return answer;
}
