import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { readSettings } from '../../../src/system/settings';
import { demoFrame } from '../../fixtures';
import { demoModelFiles, LoopbackHub } from '../../model/hub/loopback-hub';
import { serveFake } from '../../server/served-fake';
import { Editor, hasChromium } from '../editor';

const model = 'HuggingFaceTB/SmolVLM-256M-Instruct';
const token = 'a-token-of-this-suite';
const here = { id: 'here', type: 'smolvlm-engine', name: '', location: 'local', model: 'demo', idle: 30 };

describe('models in the dialog of smolvlm-engine in a browser (needs Chromium)', function () {
  this.timeout(180_000);
  let folder: string | undefined;
  let hub: LoopbackHub;
  let there: ServedEngine;
  let older: ServedEngine;
  let editor: Editor;

  before(async function () {
    if (!hasChromium) this.skip();
    const root = await mkdtemp(join(tmpdir(), 'smolvlm-models-'));
    folder = root;
    hub = new LoopbackHub(demoModelFiles(), model);
    await hub.start();
    const { npu, rkllm } = readSettings({});
    there = await serveFake({
      tcp: { host: '127.0.0.1', port: 0, token },
      hub: { endpoint: hub.endpoint },
      settings: { cacheDir: join(root, 'there'), npu, rkllm },
    });
    older = await serveFake();
    const remote = { ...here, location: 'remote', model: '' };
    editor = await Editor.open(
      [
        { id: 'tab', type: 'tab', label: 'Flow' },
        here,
        { ...remote, id: 'there', url: there.url },
        { ...remote, id: 'older', url: older.url },
      ],
      { environment: { HF_ENDPOINT: hub.endpoint, SMOLVLM_CACHE: join(root, 'here') } },
    );
  });
  after(async () => {
    await editor?.close();
    await there?.close();
    await older?.close();
    await hub?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    await editor.cancel();
    assert.deepEqual(editor.faults, []);
  });

  const button = (): Locator => editor.page.locator(`.smolvlm-models button[data-model="${model}"]`);
  const labelled = (text: string): Promise<void> =>
    editor.page
      .locator(`.smolvlm-models button[data-model="${model}"]`, { hasText: text })
      .waitFor({ timeout: 60_000 });
  const progress = (text: RegExp): Promise<void> =>
    editor.page
      .locator('.smolvlm-models-progress', { hasText: text })
      .waitFor({ timeout: 60_000, state: 'attached' });

  async function fetchPauseResumeRemove(place: string): Promise<void> {
    const { page } = editor;
    await labelled('Fetch');
    const facts = (await page.locator('.smolvlm-models-facts').first().textContent()) ?? '';
    assert.match(facts, /^0\.51 GB to fetch, 0\.7 GB of memory; for machines with 2 GB or more/);
    const before = hub.seen.length;
    hub.faults.set('model.safetensors', [{ kind: 'stall', afterBytes: 2_000_000 }]);
    const stalled = new Promise<void>((resolve) => {
      hub.onStall = resolve;
    });
    await button().click();
    await labelled('Pause');
    // In the row of the pressed button: below the list it would be out of sight.
    const row = page.locator('.smolvlm-models tr', { has: page.locator(`button[data-model="${model}"]`) });
    await row.locator('.smolvlm-models-progress progress').waitFor({ timeout: 60_000 });
    await stalled;
    await button().click();
    await progress(/^Paused/);
    await labelled('Resume');
    await button().click();
    await progress(new RegExp(`${model} is on ${place}`));
    assert.ok(
      hub.seen.slice(before).some(({ range }) => range !== undefined),
      'resumed where it stopped',
    );
    await page.locator('#smolvlm-engine-tab-try').waitFor({ timeout: 60_000 });
    assert.equal(await page.inputValue('#node-config-input-model'), model);

    await page.click('a[href="#smolvlm-engine-tab-model"]');
    await labelled('In use');
    assert.match((await row.locator('.smolvlm-models-facts').textContent()) ?? '', /^0\.7 GB of memory; /);
    const kept = page.locator('.smolvlm-models-kept');
    assert.match(
      (await kept.locator('summary').textContent()) ?? '',
      new RegExp(`^On ${place}: 1, 0\\.01 GB`),
    );
    await kept.locator('summary').click();
    await kept.locator('.smolvlm-models-item', { hasText: model }).locator('button').click();
    await labelled('Fetch');
    assert.equal(await kept.isVisible(), false);
  }

  it('are fetched, paused, resumed and removed on this machine', async () => {
    await editor.edit('here');
    await fetchPauseResumeRemove('this machine');
    assert.deepEqual(await readdir(join(folder ?? '', 'there')).catch(() => []), []);
  });

  it('are fetched, paused, resumed and removed on the machine of a remote engine', async () => {
    await editor.edit('there');
    await progress(/request-unauthorized/);
    await editor.page.fill('#node-config-input-token', token);
    await editor.page.locator('#node-config-input-token').blur();
    await fetchPauseResumeRemove('the engine’s machine');
  });

  it('that were fetched to a remote engine give a first caption there', async () => {
    const { page } = editor;
    await editor.edit('there');
    await page.fill('#node-config-input-token', token);
    await page.locator('#node-config-input-token').blur();
    await labelled('Fetch');
    await button().click();
    await page.locator('#smolvlm-engine-tab-try').waitFor({ timeout: 60_000 });
    await page.setInputFiles('#smolvlm-try-file', demoFrame('frame_09_street_day.jpg'));
    await page.locator('.smolvlm-try-total').waitFor({ timeout: 60_000 });
    assert.match((await page.locator('.smolvlm-try-caption').textContent()) ?? '', /^1 of \d+ bytes/);
  });

  it('are said to be out of reach on a remote engine of an older version', async () => {
    await editor.edit('older');
    await progress(/older version of this package.*smolvlm pull/);
    assert.equal(await editor.page.locator('.smolvlm-models tr').count(), 0);
  });

  it('have their names suggested for a mistyped one, also without the engine’s list', async () => {
    const { page } = editor;
    await editor.edit('older');
    await progress(/older version/);
    await page.fill('#node-config-input-model', 'HuggingFaceTB/SmolVML-256M-Instruct');
    await page.locator('#smolvlm-model-suggestion a', { hasText: model }).click();
    assert.equal(await page.inputValue('#node-config-input-model'), model);
    assert.equal(await page.locator('#smolvlm-model-suggestion a').count(), 0);
  });
});
