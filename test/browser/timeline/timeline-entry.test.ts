import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { accessibilityFaults } from '../axe';
import { phone, picture, suiteCaptionsPage } from './captions-page';

describe('an entry of the captions page in a browser (needs Chromium)', function () {
  this.timeout(180_000);
  const shown = suiteCaptionsPage();

  it('shows captions as text, whatever they contain', async () => {
    const text = '<img src=x onerror="window.broken = true"><b>bold</b>';
    const id = await shown.store.add({ camera: '<i>x</i>', text, prompt: text, answers: { [text]: text } });
    await shown.open();
    await shown.openEntry(id);
    assert.equal(await shown.page.locator('.entry .caption').textContent(), text);
    assert.equal(await shown.page.locator('.entry dd').textContent(), text);
    assert.equal(await shown.page.evaluate('window.broken'), undefined);
    await shown.store.remove([id]);
  });

  it('shows a JSON answer as its fields', async () => {
    const text = '{"people": 2, "parcel": true, "colours": ["red", "blue"]}';
    const id = await shown.store.add({ camera: 'porch', text, answers: { people: 2 } });
    await shown.open();
    const line = await shown.page.locator(`li[data-entry="${id}"] .row-text`).textContent();
    assert.equal(line, 'people: 2 · parcel: yes · colours: red, blue');
    await shown.openEntry(id);
    const answers = shown.page.locator('.entry .answers');
    await answers.waitFor();
    assert.deepEqual(await answers.locator('dt').allTextContents(), ['parcel', 'colours', 'people']);
    assert.deepEqual(await answers.locator('dd').allTextContents(), ['yes', 'red, blue', '2']);
    assert.equal(await shown.page.locator('.entry .caption').count(), 0);
    assert.deepEqual(await accessibilityFaults(shown.page), []);
    await shown.store.remove([id]);
  });

  it('asks the stored picture another question, shows the answer as it is written, and keeps it', async () => {
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    shown.ask = async (question, stored, { onEvent }) => {
      assert.equal(question, 'Is the gate closed?');
      assert.deepEqual(Buffer.from(stored), await readFile(picture));
      onEvent({ type: 'token', id: '', text: 'Yes, ' });
      await finished;
      return { type: 'result', id: '', result: { text: 'Yes, it is.' } } as never;
    };
    await shown.open(phone);
    await shown.openEntry(shown.entries[1] ?? 0);
    await shown.page.fill('#question', 'Is the gate closed?');
    await shown.page.keyboard.press('Enter');
    await shown.page.locator('.answer', { hasText: 'Yes,' }).waitFor();
    finish();
    await shown.page.locator('.answers dd', { hasText: 'Yes, it is.' }).waitFor();
    assert.equal(await shown.page.locator('.answers dt').textContent(), 'Is the gate closed?');
    assert.deepEqual((await shown.store.entry(shown.entries[1] ?? 0))?.answers, {
      'Is the gate closed?': 'Yes, it is.',
    });
  });

  it('cancels a question by its button, and by closing the entry', async () => {
    let cancelled = 0;
    shown.ask = (_question, _stored, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          cancelled++;
          resolve({ type: 'dropped', id: '', reason: 'cancelled', message: 'cancelled' });
        });
      });
    await shown.open();
    await shown.openEntry(shown.entries[2] ?? 0);
    for (const leave of [
      () => shown.page.getByRole('button', { name: 'Cancel' }).click(),
      () => shown.page.keyboard.press('Escape'),
    ]) {
      const before = cancelled;
      await shown.page.fill('#question', 'Why?');
      await shown.page.keyboard.press('Enter');
      await shown.page.getByRole('button', { name: 'Cancel' }).waitFor();
      await leave();
      await shown.page.locator('.answer', { hasText: 'Cancelled.' }).waitFor();
      while (cancelled === before) await shown.page.waitForTimeout(10);
    }
  });

  it('deletes an entry after it was confirmed, in every window', async () => {
    const id = await shown.store.add({ camera: 'porch', text: 'To be deleted.' });
    await shown.open();
    const other = await shown.page.context().newPage();
    await other.goto(shown.url);
    await other.locator(`li[data-entry="${id}"]`).waitFor();
    await shown.openEntry(id);
    await shown.page.locator('.entry').getByRole('button', { name: 'Delete' }).click();
    await shown.page.locator('dialog').getByRole('button', { name: 'Cancel' }).click();
    assert.ok(await shown.store.entry(id));
    await shown.page.locator('.entry').getByRole('button', { name: 'Delete' }).click();
    await shown.page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
    await shown.page.locator(`li[data-entry="${id}"]`).waitFor({ state: 'detached' });
    await other.locator(`li[data-entry="${id}"]`).waitFor({ state: 'detached' });
    assert.equal(await shown.store.entry(id), undefined);
  });
});
