import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { expectedCaption, Home } from '../examples/home';
import { demoFrame } from '../fixtures';
import type { NodeRedProgram } from '../package/node-red-process';

const street = 'frame_09_street_day.jpg';
const picture = readFileSync(demoFrame(street));

/** What a function node makes of a message with a picture, by a name for it. */
const kinds: Readonly<Record<string, string>> = {
  'a payload whose getter throws': `Object.defineProperty(msg, 'payload', { enumerable: true, configurable: true, get() { throw new Error('boom'); } })`,
  'a property that cannot be cloned': `msg.extra = { get inner() { throw new Error('boom'); } }`,
  'a payload that is a proxy that throws': `msg.payload = new Proxy({}, { get() { throw new Error('boom'); }, has() { throw new Error('boom'); }, ownKeys() { throw new Error('boom'); } })`,
  'a proxy as the message': `msg = new Proxy(msg, {})`,
  'a circular message': `msg.self = msg; msg.again = [msg]`,
  'a circular payload': `msg.payload = { picture: msg.payload }; msg.payload.self = msg.payload`,
  'a text of 40 MB': `msg.payload = 'x'.repeat(40e6)`,
  'a camera of 1 MB': `msg.topic = 'x'.repeat(1e6)`,
  'a camera without a prototype': `msg.topic = Object.create(null); msg.camera = Symbol('camera')`,
  'a shared buffer': `const shared = new SharedArrayBuffer(msg.payload.length); new Uint8Array(shared).set(msg.payload); msg.payload = shared`,
  'a view of a shared buffer': `const shared = new SharedArrayBuffer(msg.payload.length); new Uint8Array(shared).set(msg.payload); msg.payload = new Uint8Array(shared)`,
  'a DataView': `msg.payload = new DataView(new Uint8Array(msg.payload).buffer)`,
  'words of 16 bits': `msg.payload = new Uint16Array(new Uint8Array(msg.payload).buffer.slice(0, 2 * (msg.payload.length >> 1)))`,
  'an array of everything': `msg.payload = [msg.payload, 'text', null, 3, [], {}]`,
  'an array with holes': `msg.payload = [msg.payload, , msg.payload]`,
  'nested arrays': `msg.payload = [[msg.payload]]`,
  'a buffer as JSON': `msg.payload = JSON.parse(JSON.stringify(msg.payload))`,
  'a JSON buffer of wrong numbers': `msg.payload = { type: 'Buffer', data: ['a', -1, 1e9, null] }`,
  'an object as of sharp': `msg.payload = { toBuffer: async () => msg.payload, metadata() {}, pipe() {}, on() {} }`,
  'a promise': `msg.payload = Promise.resolve(msg.payload)`,
  'a rejected promise': `const { payload } = msg; msg.payload = Promise.reject(new Error('boom')); msg.payload.catch(() => {})`,
  'a function': `msg.payload = () => 1`,
  'a symbol': `msg.payload = Symbol('picture')`,
  'a big number': `msg.payload = 10n ** 50n`,
  'a date': `msg.payload = new Date(NaN)`,
  'a map': `msg.payload = new Map([[1, msg.payload]])`,
  nothing: `delete msg.payload; delete msg.topic`,
  'no id': `delete msg._msgid`,
  'odd numbers': `msg.deadline = 'soon'; msg.maxTokens = {}; msg.priority = NaN`,
  'numbers that throw': `msg.deadline = { valueOf() { throw new Error('boom'); } }; msg.maxTokens = Object.create(null); msg.priority = Symbol('x')`,
  'odd words': `msg.prompt = {}; msg.language = 5; msg.fallback = []; msg.choices = { length: -1 }`,
  'choices that are circular': `msg.choices = []; msg.choices.push(msg.choices)`,
  'an odd time': `msg.capturedAt = Symbol('now')`,
  'a time without a prototype': `msg.capturedAt = Object.create(null)`,
  'a time beyond all calendars': `msg.capturedAt = 1e300`,
  'features that throw': `msg.features = new Proxy([], { get() { throw new Error('boom'); } })`,
  'features of nobody': `msg.features = { engine: 'x', id: 'y', frameHash: 'z', detail: 'low', expires: new Date(Date.now() + 1e6).toISOString() }`,
  'a caption that throws': `msg.caption = new Proxy({}, { get() { throw new Error('boom'); } })`,
  'a frame that is null': `msg.frame = null; msg.caption = null; msg.vision = null`,
  'an anchor that is an object': `msg.anchor = {}; msg.reset = Object.create(null)`,
  'a reset of everything': `msg.reset = true; msg.camera = Object.create(null)`,
};

type Node = Readonly<Record<string, unknown>>;

const engine: Node = {
  ...{ id: 'engine', type: 'smolvlm-engine', location: 'local', model: 'demo' },
  ...{ queuePolicy: 'newest', queueCapacity: '1', idle: '60' },
};

const fromMessage = { image: 'payload', imageType: 'msg' };
/** Nodes with an input, by name. Every output leads to the response, as does the Catch node. */
const inputs: Readonly<Record<string, Node>> = {
  caption: {
    ...{ type: 'smolvlm-caption', engine: 'engine', preset: 'describe', outputs: 2, ...fromMessage },
    ...{ fallback: 'none of {{camera}}', fallbackAlways: true },
  },
  choose: { type: 'smolvlm-caption', engine: 'engine', preset: '', outputs: 2, ...fromMessage },
  changed: { type: 'smolvlm-caption', engine: 'engine', preset: 'changed', outputs: 2, ...fromMessage },
  vision: { type: 'smolvlm-vision', engine: 'engine', outputs: 2, ...fromMessage },
  frame: {
    ...{ type: 'smolvlm-frame', name: 'porch', source: 'message', outputs: 2, ...fromMessage },
    ...{
      unchanged: false,
      maxSide: '640',
      zones: [],
      masks: [
        [
          [0, 0],
          [0.5, 0],
          [0, 0.5],
        ],
      ],
    },
  },
  timeline: { type: 'smolvlm-timeline', keep: 'thumbnail', outputs: 3, image: 'payload', imageType: 'msg' },
  convert: { type: 'smolvlm-convert', mode: 'nothing', outputs: 2 },
};

const firstSet: Readonly<Record<string, string>> = { timeline: `msg.caption = { text: 'A cat.' }` };

/** Messages that nobody would send on purpose, through every node with an input, in a real Node-RED. */
export function oddMessages(program: () => Promise<NodeRedProgram | undefined>): void {
  let home: Home;
  before(async () => {
    home = await Home.start(await program());
    const flows = Object.entries(inputs).flatMap(([name, node]) => [
      { id: `in-${name}`, type: 'http in', url: `/${name}`, method: 'post', wires: [[`make-${name}`]] },
      {
        ...{ id: `make-${name}`, type: 'function', outputs: 1, libs: [], wires: [[name]] },
        func: `const { kind } = msg.req.query; msg.topic = 'camera'; ${firstSet[name] ?? ''}\n${Object.entries(
          kinds,
        )
          .map(([kind, code]) => `if (kind === ${JSON.stringify(kind)}) { ${code} }`)
          .join('\n')}\nreturn msg;`,
      },
      // Two wires for an output: Node-RED copies what is sent.
      { id: name, ...node, wires: Array.from({ length: Number(node.outputs) }, () => ['say', 'nothing']) },
    ]);
    const code = { outputs: 1, libs: [] };
    await home.nodeRed.deploy(
      [
        { id: 'tab', type: 'tab', label: 'odd' },
        engine,
        ...flows,
        {
          ...{ id: 'say', type: 'function', ...code, wires: [['answer']] },
          func: `const { req, res, error } = msg;
let text = error?.message ?? '';
try { text ||= msg.caption?.text ?? msg.caption?.dropped ?? msg.frame?.held ?? ''; } catch {}
return { req, res, payload: String(text), statusCode: error ? 500 : 200 };`,
        },
        { id: 'nothing', type: 'junction', wires: [[]] },
        { id: 'catch', type: 'catch', scope: null, wires: [['say']] },
        // A reset of the frame node ends without a message.
        { id: 'complete', type: 'complete', scope: ['frame'], wires: [['completed']] },
        {
          ...{ id: 'completed', type: 'function', ...code, wires: [['answer']] },
          func: `if (msg.reset) return { res: msg.res, payload: 'completed' };`,
        },
        { id: 'answer', type: 'http response', wires: [] },
      ].map((node) =>
        node.type === 'tab' || node.type === 'smolvlm-engine' ? node : { z: 'tab', x: 1, y: 1, ...node },
      ),
    );
  });
  after(() => home.close());

  async function ask(name: string, kind: string): Promise<[number, string]> {
    const response = await fetch(`${home.nodeRed.url}/${name}?${new URLSearchParams({ kind })}`, {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg' },
      body: picture,
      signal: AbortSignal.timeout(60_000),
    });
    return [response.status, await response.text()];
  }

  for (const name of Object.keys(inputs)) {
    it(`ends every odd message to the ${name} node`, async () => {
      for (const kind of Object.keys(kinds)) {
        const [status, text] = await ask(name, kind).catch((error: unknown) =>
          assert.fail(`${kind}: ${error}\n${home.nodeRed.log.slice(-3000)}`),
        );
        assert.ok(status === 200 || status === 500, `${kind}: ${status} ${text}`);
      }
    });
  }

  it('describes a picture afterwards', async () => {
    assert.deepEqual(await ask('caption', ''), [200, expectedCaption(street)]);
    assert.doesNotMatch(home.nodeRed.log, /UnhandledPromise|Uncaught/);
  });
}
