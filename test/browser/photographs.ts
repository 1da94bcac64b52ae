import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

/** Where photographs are kept; without the variable, those that nothing else needs are not taken. */
export const keptPictures = process.env.SMOLVLM_PICTURES;

/** Takes a picture of what a page shows, if somebody keeps pictures. */
export async function photograph(page: Page, name: string, ...folders: readonly string[]): Promise<void> {
  if (keptPictures === undefined) return;
  const folder = join(keptPictures, ...folders);
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
