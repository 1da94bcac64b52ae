import type { Page } from 'playwright-core';

/**
 * Imports an example by the editor's menu.
 * @param label of its tab
 */
export async function importExample(page: Page, name: string, label: string): Promise<void> {
  await page.click('#red-ui-header-button-sidemenu');
  await page.click('#menu-item-import');
  await page.click('a[href="#red-ui-clipboard-dialog-import-tab-examples"]');
  const tree = page.locator('#red-ui-clipboard-dialog-import-tab-examples .red-ui-treeList-label:visible');
  const example = tree.filter({ hasText: name });
  if ((await example.count()) === 0) await tree.filter({ hasText: '@rk3588/node-red-smolvlm' }).click();
  await example.click();
  await page.click('#red-ui-clipboard-dialog-ok:not([disabled])');
  // The editor asks as soon as a node of the example is there already, which the shared engine is.
  const copy = page.locator('.red-ui-notification button', { hasText: 'Import copy' });
  const there = page.locator('.red-ui-tab-label', { hasText: label });
  await copy.or(there).first().waitFor();
  if (await copy.isVisible()) await copy.click();
  await there.first().waitFor();
}
