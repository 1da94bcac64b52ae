import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { demoFrame } from '../../fixtures';
import { type Editor, useEditor } from '../editor';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const sendMs = 60_000;

/** A frame node behind an address: what is sent there comes back prepared. */
const flow = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  { id: 'in', type: 'http in', z: 'tab', x: 100, y: 100, url: '/frame', method: 'post', wires: [['frame']] },
  {
    ...{ id: 'frame', type: 'smolvlm-frame', z: 'tab', x: 300, y: 100, source: 'message' },
    ...{ image: 'payload', imageType: 'msg', camera: 'porch', cameraType: 'str', masks: [], zones: [] },
    ...{ unchanged: false, maxSide: '1280', wires: [['headers'], []] },
  },
  {
    ...{ id: 'headers', type: 'change', z: 'tab', x: 500, y: 100, wires: [['out']] },
    rules: [
      {
        ...{ t: 'set', p: 'headers', pt: 'msg', tot: 'jsonata' },
        to: '{"content-type": "image/jpeg", "x-camera": camera}',
      },
    ],
  },
  { id: 'out', type: 'http response', z: 'tab', x: 700, y: 100, wires: [] },
];

type Point = readonly [x: number, y: number];

describe('dialog of smolvlm-frame in a browser (needs Chromium)', function () {
  this.timeout(180_000);
  let editor: Editor;
  let page: Page;

  useEditor(flow, (opened) => {
    editor = opened;
    page = opened.page;
  });

  /** What the running node makes of the street. */
  async function prepared(): Promise<{ camera: string | null; at: (point: Point) => number; size: Point }> {
    const ask = (): Promise<Response> =>
      fetch(new URL('frame', editor.url), {
        ...{ method: 'POST', body: street, headers: { 'content-type': 'image/jpeg' } },
        signal: AbortSignal.timeout(sendMs),
      });
    let answer = await ask();
    // Deployed flows have ended before they are started again: until then no node answers.
    for (let tries = 0; answer.status === 404 && tries < 600; tries++) {
      await delay(100);
      answer = await ask();
    }
    assert.equal(answer.status, 200);
    const image = sharp(Buffer.from(await answer.arrayBuffer())).greyscale();
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    return {
      camera: answer.headers.get('x-camera'),
      at: ([x, y]) => data[Math.floor(y * info.height) * info.width + Math.floor(x * info.width)] ?? -1,
      size: [info.width, info.height],
    };
  }

  async function openPicture(): Promise<void> {
    await editor.edit('frame');
    await page.click('a[href="#smolvlm-frame-tab-picture"]');
    // The sample is in its place once the canvas has the picture's size.
    await page.waitForFunction(`document.getElementById('smolvlm-frame-canvas').height === 480`);
    await page.locator('#smolvlm-frame-canvas').scrollIntoViewIfNeeded();
  }

  /** @returns the place on the page */
  async function placeOf([x, y]: Point): Promise<[number, number]> {
    const box = await page.locator('#smolvlm-frame-canvas').boundingBox();
    assert.ok(box);
    return [box.x + x * box.width, box.y + y * box.height];
  }

  async function clickAt(...points: readonly Point[]): Promise<void> {
    for (const point of points) {
      await page.mouse.click(...(await placeOf(point)));
      // Two clicks within half a second at one place would be a double one.
      await page.mouse.move(...(await placeOf([0.5, 0.02])));
    }
  }

  async function dragFrom(from: Point, to: Point): Promise<void> {
    await page.mouse.move(...(await placeOf(from)));
    await page.mouse.down();
    await page.mouse.move(...(await placeOf(to)), { steps: 4 });
    await page.mouse.up();
  }

  const shapes = (): Promise<string[]> => page.locator('#smolvlm-frame-shapes li').allInnerTexts();
  const brightnessShown = ([x, y]: Point): Promise<unknown> =>
    page.evaluate(`(() => { const canvas = document.getElementById('smolvlm-frame-canvas');
      const [r, g, b] = canvas.getContext('2d').getImageData(${x} * canvas.width, ${y} * canvas.height, 1, 1).data;
      return Math.max(r, g, b); })()`);

  const triangle: readonly Point[] = [
    [0.1, 0.1],
    [0.5, 0.1],
    [0.1, 0.6],
  ];
  const inside: Point = [0.2, 0.2];
  const below: Point = [0.25, 0.7];

  it('shows how an address of the chosen kind looks', async () => {
    await editor.edit('frame');
    for (const [source, example] of [
      ['rtsp', 'rtsp://camera/stream'],
      ['snapshot', 'http://camera/snapshot.jpg'],
      ['mjpeg', 'http://camera/video.mjpg'],
    ] as const) {
      await editor.page.selectOption('#node-input-source', source);
      assert.equal(await editor.page.locator('#node-input-url').getAttribute('placeholder'), example);
    }
    await editor.cancel();
  });

  it('says that no picture came yet', async () => {
    await editor.edit('frame');
    await page.click('a[href="#smolvlm-frame-tab-picture"]');
    await page.locator('#smolvlm-frame-note', { hasText: 'No picture yet' }).waitFor();
    await editor.cancel();
  });

  it('shows the last picture, and what is drawn on it with the mouse is black in the next one', async () => {
    assert.ok((await prepared()).at(inside) > 60);
    await openPicture();
    assert.ok(Number(await brightnessShown(inside)) > 60);
    await clickAt(...triangle, [0.1, 0.1]);
    assert.deepEqual(await shapes(), ['Mask 1, 3 corners']);
    assert.ok(Number(await brightnessShown(inside)) < 60);
    await editor.save();
    await editor.deploy();
    const { at, size } = await prepared();
    assert.deepEqual(size, [640, 480]);
    assert.ok(at(inside) < 8 && at(below) > 60);
  });

  it('moves a corner that is dragged, and removes a mask', async () => {
    await openPicture();
    await dragFrom([0.1, 0.6], [0.4, 0.95]);
    await clickAt([0.7, 0.7], [0.9, 0.7], [0.9, 0.9], [0.7, 0.9], [0.7, 0.7]);
    assert.deepEqual(await shapes(), ['Mask 1, 3 corners', 'Mask 2, 4 corners']);
    await page.locator('#smolvlm-frame-shapes button').last().click();
    assert.deepEqual(await shapes(), ['Mask 1, 3 corners']);
    await editor.save();
    await editor.deploy();
    const { at } = await prepared();
    assert.ok(at([0.4, 0.7]) < 8 && at([0.12, 0.4]) > 20 && at([0.8, 0.8]) > 20);
  });

  it('keeps a mask that was not closed, and nothing when it is cancelled', async () => {
    await openPicture();
    await clickAt([0.6, 0.6], [0.9, 0.6], [0.9, 0.9]);
    await editor.cancel();
    await openPicture();
    assert.deepEqual(await shapes(), ['Mask 1, 3 corners']);
    await clickAt([0.6, 0.6], [0.9, 0.6], [0.9, 0.9]);
    await editor.save();
    await editor.deploy();
    assert.ok((await prepared()).at([0.85, 0.7]) < 8);
  });

  it('draws a zone, which leaves under its name and with its size', async () => {
    await openPicture();
    await page.click('#smolvlm-frame-zone');
    await dragFrom([0.5, 0.25], [0.75, 0.75]);
    await page.fill('#smolvlm-frame-shapes input', 'front door');
    await page.press('#smolvlm-frame-shapes input', 'Tab');
    await dragFrom([0.75, 0.75], [1, 0.75]);
    await editor.save();
    await editor.deploy();
    const { camera, size } = await prepared();
    assert.equal(camera, 'porch/front door');
    // A pixel of the screen is one and a half of the picture.
    assert.ok(Math.abs(size[0] - 320) <= 3 && Math.abs(size[1] - 240) <= 3, String(size));
  });

  it('does not accept a number out of bounds', async () => {
    await editor.edit('frame');
    await page.click('a[href="#smolvlm-frame-tab-filters"]');
    await page.fill('#node-input-burst', '0');
    await page.press('#node-input-burst', 'Tab');
    await page.locator('#node-input-burst.input-error').waitFor();
    await editor.cancel();
  });
});
