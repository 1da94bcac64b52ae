import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { copyFile, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectedCaption } from '../examples/home';
import { demoFrame } from '../fixtures';
import {
  answer,
  caption,
  caught,
  engine,
  frame,
  httpIn,
  type Node,
  picture,
  porch,
  set,
  useCoreNodes,
} from './core-nodes';

const street = 'frame_09_street_day.jpg';
const fromEnvironment = `$${'{CAMERA}'}`;

describe('requests through core nodes and these, in a real Node-RED', function () {
  this.timeout(300_000);
  const red = useCoreNodes();
  const { deploy, ask } = red;
  const snapshot = (): string => `${red.home.url}/snapshot.jpg`;

  it('describes a picture that a request brings, by way of the vision node', async () => {
    const vision = { id: 'vision', type: 'smolvlm-vision', engine: 'engine', image: 'payload' };
    await deploy([
      httpIn('vision'),
      { ...vision, imageType: 'msg', wires: [['caption'], ['answer']] },
      caption('answer'),
      answer,
      ...caught,
    ]);
    assert.deepEqual(await ask(picture), [200, expectedCaption(porch)]);
  });

  it('answers three requests at once through a link call, each with its own message', async () => {
    const link = { timeout: '120', linkType: 'static' };
    const back = { id: 'back', type: 'link out', mode: 'return', links: [], wires: [] };
    await deploy([
      httpIn('call'),
      { id: 'call', type: 'link call', links: ['into'], ...link, wires: [['said']] },
      { id: 'said', type: 'change', rules: [set('payload', 'mine')], wires: [['answer']] },
      { id: 'into', type: 'link in', links: [], wires: [['keep']] },
      { id: 'keep', type: 'change', rules: [set('mine', 'payload.name')], wires: [['frame']] },
      frame(snapshot(), 'caption'),
      // Other questions about the same picture wait, rather than replace each other.
      caption('back', { camera: 'mine', cameraType: 'msg' }),
      back,
      answer,
      ...caught,
    ]);
    const names = ['one', 'two', 'three'];
    const answers = await Promise.all(names.map((name) => ask(JSON.stringify({ name }))));
    assert.deepEqual(
      answers,
      names.map((name) => [200, name]),
    );
  });

  it('answers requests while the frame node also takes pictures by itself', async () => {
    const isAsked = { t: 'nnull', v: '', vt: 'str' };
    await deploy([
      httpIn('frame'),
      frame(snapshot(), 'caption', { interval: '1' }),
      caption('asked'),
      {
        ...{ id: 'asked', type: 'switch', property: 'req', propertyType: 'msg', rules: [isAsked] },
        wires: [['answer']],
      },
      answer,
      ...caught,
    ]);
    for (let request = 0; request < 3; request++) {
      const [status, text] = await ask('{}');
      assert.equal(status, 200);
      // The newest frame replaces a waiting one, which then leaves on the second output.
      assert.ok(text === expectedCaption(porch) || text === '', text);
    }
    assert.doesNotMatch(red.home.nodeRed.log, /No response object/);
  });

  it('answers a request with 503 and the reason if its picture is held back and nobody receives it', async () => {
    const unwired = { wires: [['answer'], []] };
    await deploy([
      httpIn('frame'),
      frame(snapshot(), 'caption', { unchanged: true }),
      caption('answer', unwired),
      answer,
      ...caught,
    ]);
    assert.deepEqual(await ask('{}'), [200, expectedCaption(porch)]);
    const [status, reason] = await ask('{}');
    assert.equal(status, 503);
    assert.match(reason, /is unchanged/);
  });

  it('leaves a request whose picture is held back to a Complete node', async () => {
    const said = { id: 'said', type: 'change', rules: [set('payload', 'frame.held')], wires: [['answer']] };
    await deploy([
      httpIn('frame'),
      frame(snapshot(), 'caption', { unchanged: true }),
      caption('answer', { wires: [['answer'], []] }),
      { id: 'held', type: 'complete', scope: ['frame'], wires: [['isHeld']] },
      {
        ...{ id: 'isHeld', type: 'switch', property: 'frame.held', propertyType: 'msg', wires: [['said']] },
        rules: [{ t: 'nnull', v: '', vt: 'str' }],
      },
      said,
      answer,
      ...caught,
    ]);
    assert.deepEqual(await ask('{}'), [200, expectedCaption(porch)]);
    assert.deepEqual(await ask('{}'), [200, 'unchanged']);
  });

  it('answers a request with the newest picture of a folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-folder-'));
    try {
      await copyFile(demoFrame(porch), join(folder, 'one.jpg'));
      await utimes(join(folder, 'one.jpg'), 1e9, 1e9);
      await copyFile(demoFrame(street), join(folder, 'two.jpg'));
      await deploy([
        httpIn('frame'),
        frame('', 'caption', { source: 'folder', folder }),
        caption('answer'),
        answer,
        ...caught,
      ]);
      assert.deepEqual(await ask('{}'), [200, expectedCaption(street)]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('keeps the parts of a split message, also those of dropped frames', async () => {
    await deploy([
      httpIn('pictures'),
      {
        ...{ id: 'pictures', type: 'function', wires: [['split']], outputs: 1, libs: [] },
        func: 'msg.payload = [msg.payload, msg.payload, msg.payload]; return msg;',
      },
      { id: 'split', type: 'split', splt: '\\n', arraySplt: 1, arraySpltType: 'len', wires: [['caption']] },
      caption('part'),
      {
        ...{ id: 'part', type: 'change', wires: [['join']] },
        rules: [set('payload', '{"text": caption.text, "dropped": caption.dropped}', 'jsonata')],
      },
      { id: 'join', type: 'join', mode: 'auto', wires: [['answer']] },
      answer,
      ...caught,
    ]);
    const [status, body] = await ask(picture);
    const parts = JSON.parse(body) as { text?: string; dropped?: string }[];
    assert.deepEqual([status, parts.length], [200, 3]);
    assert.ok(parts.some(({ text }) => text === expectedCaption(porch)));
    assert.ok(parts.every(({ text, dropped }) => text === expectedCaption(porch) || dropped));
  });

  it('answers from inside a subflow', async () => {
    const subflow = {
      id: 'sub',
      type: 'subflow',
      name: 'Caption',
      in: [{ x: 1, y: 1, wires: [{ id: 'frame' }] }],
    };
    await deploy([
      { ...subflow, out: [{ x: 1, y: 1, wires: [{ id: 'caption', port: 0 }] }], z: undefined },
      frame(fromEnvironment, 'caption', { z: 'sub' }),
      caption('', { z: 'sub', wires: [[], []] }),
      httpIn('instance'),
      {
        ...{ id: 'instance', type: 'subflow:sub', wires: [['answer']] },
        env: [{ name: 'CAMERA', value: snapshot(), type: 'str' }],
      },
      answer,
      ...caught,
    ]);
    assert.deepEqual(await ask('{}'), [200, expectedCaption(porch)]);
  });

  for (const [title, changed] of [
    ['without an engine', { engine: '' }],
    ['with an engine that was deleted', { engine: 'deleted' }],
    ['with an engine of another flow', { engine: 'elsewhere' }],
    ['with a disabled engine', { engine: 'disabled' }],
  ] as const) {
    it(`sends a request through a caption node ${title} to the catch node`, async () => {
      await deploy([
        httpIn('caption'),
        caption('answer', changed),
        { ...engine, id: 'disabled', d: true, z: undefined },
        { id: 'tab2', type: 'tab', label: 'other', z: undefined },
        { ...engine, id: 'elsewhere', z: 'tab2' },
        answer,
        ...caught,
      ]);
      const [status, text] = await ask(picture);
      assert.equal(status, 500);
      assert.match(text, /engine/);
    });
  }

  it('refuses a prompt that is an object or a buffer, and names what it expects', async () => {
    const asked: readonly (readonly [string, string, RegExp])[] = [
      ['req', 'msg', /^prompt: expected a text, received an object\. Choose the property/],
      ['What is {{payload}}?', 'template', /^prompt: \{\{payload\}\}: expected a text, received a buffer\. /],
    ];
    for (const [prompt, promptType, expected] of asked) {
      await deploy([
        ...[httpIn('caption'), caption('answer', { preset: 'ask', prompt, promptType }), answer, ...caught],
      ]);
      const [status, text] = await ask(picture);
      assert.equal(status, 500);
      assert.match(text, expected);
    }
  });

  it('completes a message of each node once, after its picture', async () => {
    const debug = {
      type: 'debug',
      complete: 'completed',
      targetType: 'msg',
      console: true,
      active: true,
      wires: [],
    };
    const completes = (id: string): readonly Node[] => [
      { id: `complete-${id}`, type: 'complete', scope: [id], wires: [[`mark-${id}`]] },
      { id: `mark-${id}`, type: 'change', rules: [set('completed', id, 'str')], wires: [[`told-${id}`]] },
      { id: `told-${id}`, name: `told-${id}`, ...debug },
    ];
    const from = red.home.nodeRed.log.length;
    await deploy([
      ...[httpIn('frame'), frame(snapshot(), 'caption'), caption('answer'), answer, ...caught],
      ...[...completes('frame'), ...completes('caption')],
    ]);
    assert.deepEqual(await ask('{}'), [200, expectedCaption(porch)]);
    await red.home.told('told-frame', from);
    await red.home.told('told-caption', from);
    const told = red.home.nodeRed.log.slice(from).match(/\[debug:told-\w+\]/g);
    assert.deepEqual(told, ['[debug:told-frame]', '[debug:told-caption]']);
  });
});
