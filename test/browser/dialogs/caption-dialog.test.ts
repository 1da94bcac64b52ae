import assert from 'node:assert/strict';
import { demoFrame } from '../../fixtures';
import { Editor, hasChromium } from '../editor';

const engine = { id: 'engine', type: 'smolvlm-engine', name: '', location: 'local', model: 'demo', idle: 30 };
const common = {
  type: 'smolvlm-caption',
  z: 'tab',
  engine: 'engine',
  y: 80,
  image: 'payload',
  imageType: 'msg',
};
const flow = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  engine,
  { ...common, id: 'new', x: 100, preset: 'describe', prompt: '', promptType: 'template', wires: [[], []] },
  {
    id: 'inject',
    type: 'inject',
    z: 'tab',
    x: 100,
    y: 160,
    props: [{ p: 'payload' }],
    payload: demoFrame('frame_09_street_day.jpg'),
    payloadType: 'str',
    wires: [['new']],
  },
  // As flows were saved before there were presets.
  { ...common, id: 'asks', x: 300, prompt: 'Is it late?', promptType: 'template', wires: [[], []] },
  { ...common, id: 'scores', x: 500, prompt: 'Where?', choices: 'here, there', wires: [[], []] },
];

/** Visible rows of the question tab, by the id of their field. */
const fields: Readonly<Record<string, readonly string[]>> = {
  describe: ['preset', 'prompt', 'language'],
  ask: ['preset', 'prompt', 'language'],
  'yes-no': ['preset', 'prompt', 'minConfidence'],
  choose: ['preset', 'choices', 'prompt', 'minConfidence'],
  count: ['preset', 'prompt'],
  changed: ['preset', 'anchor', 'compare', 'prompt', 'language'],
  json: ['preset', 'jsonBy', 'schema', 'language'],
};

describe('dialog of smolvlm-caption in a browser (needs Chromium)', function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async function () {
    if (!hasChromium) this.skip();
    editor = await Editor.open(flow);
  });
  after(() => editor?.close());
  afterEach(async () => {
    if ((await editor.page.locator('.red-ui-tray').count()) > 0) await editor.cancel();
    assert.deepEqual(editor.faults, []);
  });

  async function node(id: string): Promise<Record<string, unknown>> {
    const names = 'preset prompt choices schema jsonBy minConfidence stream outputs fallback late valid';
    const text = await editor.page.evaluate(
      `(() => { const node = RED.nodes.node(${JSON.stringify(id)}); const seen = {};
        for (const name of '${names}'.split(' ')) seen[name] = node[name];
        return JSON.stringify(seen); })()`,
    );
    return JSON.parse(String(text)) as Record<string, unknown>;
  }

  async function save(): Promise<void> {
    await editor.page.click('#node-dialog-ok');
    await editor.page.waitForSelector('.red-ui-tray', { state: 'detached' });
  }

  for (const [preset, expected] of Object.entries(fields)) {
    it(`shows the fields of ${preset}, and no others`, async () => {
      const { page } = editor;
      await editor.edit('new');
      await page.selectOption('#node-input-preset', preset);
      const seen = await page.evaluate(
        `[...document.querySelectorAll('#smolvlm-caption-tab-question .form-row')].filter((row) => row.offsetHeight > 0)
          .map((row) => row.querySelector('[id^="node-input-"]').id.replace('node-input-', ''))`,
      );
      assert.deepEqual(seen, expected);
    });
  }

  it('shows the standard prompt if the prompt is blank', async () => {
    const { page } = editor;
    await editor.edit('new');
    const blank = page.locator('#smolvlm-caption-blank');
    assert.match((await blank.textContent()) ?? '', /Describe this image in one sentence\./);
    await page.selectOption('#node-input-preset', 'changed');
    await page.selectOption('#node-input-compare', 'together');
    assert.match((await blank.textContent()) ?? '', /What changed\?/);
    await page.selectOption('#node-input-preset', 'count');
    assert.match((await blank.textContent()) ?? '', /people/);
    assert.equal(await page.locator('#smolvlm-caption-prompt-label').textContent(), 'What to count');
  });

  it('opens flows from before there were presets with the matching preset', async () => {
    const { page } = editor;
    for (const [id, preset] of [
      ['asks', 'ask'],
      ['scores', 'choose'],
    ] as const) {
      assert.equal((await node(id)).outputs, 2);
      await editor.edit(id);
      assert.equal(await page.inputValue('#node-input-preset'), preset);
      await editor.cancel();
    }
    assert.equal((await node('scores')).preset, undefined, 'looking at it changes nothing');
  });

  it('names the place in a schema that is wrong, and keeps the one that is right', async () => {
    const { page } = editor;
    await editor.edit('new');
    await page.selectOption('#node-input-preset', 'json');
    const write = (text: string): Promise<unknown> =>
      page.evaluate(`RED.nodes.node('new').schemaEditor.setValue(${JSON.stringify(text)})`);
    const fault = page.locator('#smolvlm-caption-schema-fault');
    await write('{"type": "object", "properties": {"people": {"type": "int"}}}');
    await fault
      .filter({ hasText: 'schema.properties.people.type: expected one of object, array, string, integer' })
      .waitFor();
    await write('{');
    await fault.filter({ hasText: /expected a JSON schema/ }).waitFor();
    const schema = '{"type": "object", "properties": {"people": {"type": "integer"}}}';
    await write(schema);
    await fault.filter({ hasText: /^$/ }).waitFor({ state: 'attached' });
    await save();
    const { preset, schema: kept, valid } = await node('new');
    assert.deepEqual([preset, kept, valid], ['json', schema, true]);
  });

  it('marks a node with a wrong schema, and one with a single choice', async () => {
    const { page } = editor;
    await editor.edit('new');
    await page.selectOption('#node-input-preset', 'json');
    await page.evaluate(`RED.nodes.node('new').schemaEditor.setValue('{"type": "date"}')`);
    await save();
    assert.equal((await node('new')).valid, false);
    await editor.edit('new');
    await page.selectOption('#node-input-preset', 'choose');
    await page.fill('#node-input-choices', 'only');
    await save();
    assert.equal((await node('new')).valid, false);
    await editor.edit('new');
    await page.fill('#node-input-choices', 'one, two');
    await save();
    assert.equal((await node('new')).valid, true);
  });

  it('has a third output exactly while the words are sent as they come', async () => {
    const { page } = editor;
    await editor.edit('asks');
    await page.click('#smolvlm-caption-tabs a[href="#smolvlm-caption-tab-answer"]');
    await page.check('#node-input-stream');
    await save();
    assert.deepEqual([(await node('asks')).outputs, (await node('asks')).stream], [3, true]);
    assert.equal(await page.locator('#asks .red-ui-flow-port-output').count(), 3);
    await editor.edit('asks');
    await page.selectOption('#node-input-preset', 'yes-no');
    await page.click('#smolvlm-caption-tabs a[href="#smolvlm-caption-tab-answer"]');
    assert.equal(await page.isVisible('#node-input-stream'), false);
    await save();
    assert.deepEqual([(await node('asks')).outputs, (await node('asks')).stream], [2, false]);
  });

  it('shows how long the engine took for its last answer', async () => {
    const { page } = editor;
    await page.evaluate(`$.ajax({ url: 'inject/inject', type: 'POST' })`);
    const frames = `(async () => (await $.getJSON('smolvlm-sidebar/engines')).engines[0].frames.length)()`;
    while (Number(await page.evaluate(frames)) === 0) await page.waitForTimeout(200);
    await editor.edit('new');
    const pace = page.locator('#smolvlm-caption-pace', { hasText: /took \d+\.\d s \(tiles: 1\)/ });
    await pace.waitFor({ state: 'attached' });
  });

  it('fits into a narrow editor', async () => {
    const { page } = editor;
    await editor.edit('new');
    for (const tab of ['question', 'picture', 'answer']) {
      await page.click(`#smolvlm-caption-tabs a[href="#smolvlm-caption-tab-${tab}"]`);
      const [wide, room] = JSON.parse(
        String(
          await page.evaluate(
            `JSON.stringify((([form]) => [form.scrollWidth, form.clientWidth])($('#dialog-form')))`,
          ),
        ),
      ) as [number, number];
      assert.ok(wide <= room, `${tab}: ${wide} of ${room} px`);
    }
  });
});
