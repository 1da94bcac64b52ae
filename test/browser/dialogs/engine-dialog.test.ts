import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { demoFrame, fixture } from '../../fixtures';
import { Editor, hasChromium } from '../editor';

const engine = { id: 'engine', type: 'smolvlm-engine', name: '', location: 'local', model: 'demo', idle: 30 };

const [expected] = JSON.parse(readFileSync(demoFrame('expected.json'), 'utf8')) as [
  { readonly frame: string; readonly prompt: string; readonly text: string },
];

describe('dialog of smolvlm-engine in a browser (needs Chromium)', function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async function () {
    if (!hasChromium) this.skip();
    editor = await Editor.open([{ id: 'tab', type: 'tab', label: 'Flow' }, engine]);
  });
  after(() => editor?.close());
  afterEach(async () => {
    await editor.cancel();
    assert.deepEqual(editor.faults, []);
  });

  it('checks the engine that is entered, saved or not', async () => {
    const { page } = editor;
    await editor.edit('engine');
    await page.fill('#node-config-input-model', '/nowhere/bundle');
    await page.click('a[href="#smolvlm-engine-tab-check"]');
    await page.click('#smolvlm-engine-check');
    const bundle = page.locator('.smolvlm-check tr[data-check="bundle"]');
    await bundle.waitFor({ timeout: 60_000 });
    assert.match((await bundle.textContent()) ?? '', /\/nowhere\/bundle/);
    assert.match((await bundle.getAttribute('class')) ?? '', /smolvlm-bad/);
    const node = await page.locator('.smolvlm-check tr[data-check="node"]').textContent();
    assert.match(node ?? '', new RegExp(`Node\\.js.*${process.versions.node}`));
    assert.match((await page.locator('.smolvlm-check-can').textContent()) ?? '', /CPU: yes/);
  });

  it('says why an engine elsewhere cannot be checked, and what to do', async () => {
    const { page } = editor;
    await editor.edit('engine');
    await page.selectOption('#node-config-input-location', 'remote');
    await page.fill('#node-config-input-url', 'http://127.0.0.1:9');
    await page.click('a[href="#smolvlm-engine-tab-check"]');
    await page.click('#smolvlm-engine-check');
    const error = page.locator('.smolvlm-check .smolvlm-error');
    await error.waitFor({ timeout: 30_000 });
    assert.match((await error.textContent()) ?? '', /engine-unreachable.*127\.0\.0\.1:9.*Check that it runs/);
  });

  it('has the fields of a group of hubs only for a group, and refuses a wrong name of a stream', async () => {
    const { page } = editor;
    await editor.edit('engine');
    const shown = async (): Promise<readonly boolean[]> =>
      Promise.all(
        ['natsCreds', 'natsCa', 'natsStream'].map((name) =>
          page.locator(`#node-config-input-${name}`).isVisible(),
        ),
      );
    await page.selectOption('#node-config-input-location', 'remote');
    assert.deepEqual(await shown(), [false, false, false]);
    await page.selectOption('#node-config-input-location', 'group');
    assert.deepEqual(await shown(), [true, true, true]);
    const stream = page.locator('#node-config-input-natsStream');
    for (const [value, isWrong] of [
      ['two words', true],
      ['garage', false],
    ] as const) {
      await stream.fill(value);
      await stream.blur();
      assert.equal((await stream.getAttribute('class'))?.includes('input-error') ?? false, isWrong);
    }
  });

  it('finds engines on the network, and enters address, fingerprint and model of the one that is used', async () => {
    const { page } = editor;
    const fingerprint = 'AB'.repeat(32);
    const url = `https://192.168.1.5:8372/#sha256=${fingerprint}`;
    const evil = '<img src=x onerror="window.smolvlmBroken=1">';
    const facts = { version: '0.1.0', protocol: 1 };
    const engines = [
      { ...facts, host: 'hub.local', url, model: 'a/b', tls: true, fingerprint },
      { ...facts, host: evil, url: 'http://192.168.1.6:8372', model: evil, tls: false },
    ];
    await page.route('**/smolvlm-engine/find', (route) => route.fulfill({ json: { engines } }));
    await editor.edit('engine');
    assert.equal(await page.locator('#smolvlm-engine-find').isVisible(), false);
    await page.selectOption('#node-config-input-location', 'remote');
    await page.click('#smolvlm-engine-find');
    const rows = page.locator('.smolvlm-find-list li');
    await rows.nth(1).waitFor({ timeout: 30_000 });
    const [first = '', second = ''] = await rows.allTextContents();
    for (const shown of ['hub.local', 'https://192.168.1.5:8372', 'package 0.1.0', 'a/b', fingerprint])
      assert.ok(first.includes(shown), shown);
    assert.ok(second.includes('not encrypted') && second.includes(evil));
    assert.equal(await page.evaluate('window.smolvlmBroken'), undefined);
    await rows.nth(0).locator('button').click();
    assert.equal(await page.inputValue('#node-config-input-url'), url);
    assert.equal(await page.inputValue('#node-config-input-model'), 'a/b');
    assert.match((await page.locator('.smolvlm-find').textContent()) ?? '', /token.*fingerprint/);
    await page.unroute('**/smolvlm-engine/find');
  });

  it('shows what an engine elsewhere says as text, not as a page', async () => {
    const { page } = editor;
    const evil = '<img src=x onerror="window.smolvlmBroken=1">';
    const check = { id: evil, title: evil, state: 'ok', value: evil, advice: evil };
    const status = { version: evil, models: [{ model: evil, backend: evil }], memory: { rssBytes: 1 } };
    await page.route('**/smolvlm-engine/check', (route) =>
      route.fulfill({ json: { status, doctor: { can: { [evil]: true }, checks: [check] } } }),
    );
    await editor.edit('engine');
    await page.click('a[href="#smolvlm-engine-tab-check"]');
    await page.click('#smolvlm-engine-check');
    await page.locator('.smolvlm-check table').waitFor({ timeout: 30_000 });
    await page.unroute('**/smolvlm-engine/check');
    assert.equal(await page.locator('.smolvlm-check img').count(), 0);
    assert.equal(await page.evaluate('window.smolvlmBroken'), undefined);
  });

  it('describes a picture that is dropped on it, with the time and the tiles it took', async () => {
    const { page } = editor;
    await editor.edit('engine');
    await page.click('a[href="#smolvlm-engine-tab-try"]');
    await page.fill('#smolvlm-try-prompt', expected.prompt);
    const frame = readFileSync(demoFrame(expected.frame)).toString('base64');
    const dropped = await page.evaluateHandle(
      `(async () => { const transfer = new DataTransfer();
        const bytes = await (await fetch('data:image/jpeg;base64,${frame}')).blob();
        transfer.items.add(new File([bytes], 'frame.jpg', { type: 'image/jpeg' }));
        return transfer; })()`,
    );
    await page.dispatchEvent('.smolvlm-try-drop', 'drop', { dataTransfer: dropped });
    await page.locator('.smolvlm-try-total').waitFor({ timeout: 90_000 });
    assert.equal(await page.locator('.smolvlm-try-caption').textContent(), expected.text);
    assert.match((await page.locator('.smolvlm-try-total').textContent()) ?? '', /^\d+\.\d+ s, 1 tile$/);
    assert.match((await page.locator('.smolvlm-try-facts').textContent()) ?? '', /vision \d+\.\d+ s .*demo/);
    assert.equal(await page.evaluate('$(".smolvlm-try-picture")[0].naturalWidth'), 640);

    await page.fill('#smolvlm-try-prompt', 'Is there a car?');
    await page.press('#smolvlm-try-prompt', 'Enter');
    await page.locator('.smolvlm-try-facts', { hasText: 'already encoded' }).waitFor({ timeout: 60_000 });
  });

  it('says how many tiles full detail takes', async () => {
    const { page } = editor;
    await editor.edit('engine');
    await page.fill('#node-config-input-model', fixture('goldens/tiny-idefics3'));
    await page.click('a[href="#smolvlm-engine-tab-try"]');
    await page.selectOption('#smolvlm-try-detail', 'full');
    await page.setInputFiles('#smolvlm-try-file', demoFrame(expected.frame));
    await page.locator('.smolvlm-try-total', { hasText: / 13 tiles$/ }).waitFor({ timeout: 90_000 });
  });

  it('says what is wrong with a file that is not a picture', async () => {
    const { page } = editor;
    await editor.edit('engine');
    await page.click('a[href="#smolvlm-engine-tab-try"]');
    const buffer = Buffer.from('<html>not found</html>');
    await page.setInputFiles('#smolvlm-try-file', { name: 'snapshot.jpg', mimeType: 'image/jpeg', buffer });
    const error = page.locator('.smolvlm-try-caption .smolvlm-error');
    await error.waitFor({ timeout: 60_000 });
    assert.match((await error.textContent()) ?? '', /^image-html/);
  });
});
