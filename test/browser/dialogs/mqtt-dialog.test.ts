import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { type Editor, useEditor } from '../editor';

const flow = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  {
    ...{ id: 'broker', type: 'mqtt-broker', name: '', broker: '127.0.0.1', port: '9', autoConnect: false },
    ...{
      protocolVersion: '4',
      keepalive: '60',
      cleansession: true,
      birthTopic: '',
      closeTopic: '',
      willTopic: '',
    },
  },
  { id: 'engine', type: 'smolvlm-engine', location: 'remote', url: 'http://127.0.0.1:9' },
  {
    ...{ id: 'mqtt', type: 'smolvlm-mqtt', z: 'tab', x: 200, y: 100, broker: 'broker', engine: 'engine' },
    ...{ base: 'smolvlm', cameras: [{ name: 'porch', title: '', snapshot: '' }], wires: [[], []] },
  },
];

describe('dialog of smolvlm-mqtt in a browser (needs Chromium)', function () {
  this.timeout(180_000);
  let editor: Editor;
  let page: Page;

  useEditor(flow, (opened) => {
    editor = opened;
    page = opened.page;
    page.setDefaultTimeout(20_000);
  });

  const row = (index: number) => page.locator('#node-input-cameras-list > li').nth(index);

  async function fill(index: number, fields: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, value] of Object.entries(fields)) {
      await row(index).locator(`input[placeholder="${name}"]`).fill(value);
    }
  }

  /** The node's camera list as the editor exports it, and what the editor gets of its credentials. */
  async function saved(): Promise<{ exported: string; credentials: Record<string, unknown> }> {
    const exported = await page.evaluate<string>(
      `JSON.stringify(RED.nodes.createExportableNodeSet([RED.nodes.node('mqtt')]))`,
    );
    const answer = await fetch(new URL('credentials/smolvlm-mqtt/mqtt', editor.url));
    return { exported, credentials: (await answer.json()) as Record<string, unknown> };
  }

  it('keeps the login of each camera as a credential, outside the flow', async () => {
    await editor.edit('mqtt');
    await fill(0, { User: 'porch user', Password: 'planted secret 1' });
    await page.locator('.red-ui-editableList-addButton').last().click();
    await fill(1, { porch: 'street', User: 'street user', Password: 'planted secret 2' });
    await editor.save();
    await editor.deploy();
    const { exported, credentials } = await saved();
    assert.doesNotMatch(exported, /planted|porch user|street user/);
    assert.deepEqual([credentials.user1, credentials.user2], ['porch user', 'street user']);
    assert.deepEqual([credentials.has_password1, credentials.has_password2], [true, true]);
    assert.doesNotMatch(JSON.stringify(credentials), /planted/);
  });

  it('shows a saved login again without its password, and keeps both when nothing is changed', async () => {
    await page.reload();
    await page.waitForFunction(`typeof RED !== 'undefined' && RED.nodes.node('mqtt')`);
    await editor.edit('mqtt');
    assert.equal(await page.locator('#node-input-user2').inputValue(), 'street user');
    assert.equal(await page.locator('#node-input-password2').inputValue(), '__PWRD__');
    await fill(1, { porch: 'lane' });
    await editor.save();
    await editor.deploy();
    const { credentials } = await saved();
    assert.deepEqual([credentials.user2, credentials.has_password2], ['street user', true]);
  });

  it('deletes the login of a removed camera, and only that one', async () => {
    await editor.edit('mqtt');
    await row(0).locator('.red-ui-editableList-item-remove').click();
    await page.waitForFunction(`$('#node-input-cameras-list > li').length === 1`);
    await editor.save();
    await editor.deploy();
    const { credentials } = await saved();
    assert.deepEqual([credentials.user1 || '', credentials.has_password1], ['', false]);
    assert.equal(credentials.user2, 'street user');
  });
});
