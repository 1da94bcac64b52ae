import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import type { Timeline } from '../../../src/timeline/http/timeline';
import { demoFrame } from '../../fixtures';
import { type ServedTimeline, serveByEngine, token } from '../../timeline/http/served-timeline';
import { MemoryTimeline } from '../../timeline/memory-timeline';
import { hasChromium, openBrowser } from '../editor';

export const minute = 60_000;
export const phone = { viewport: { width: 390, height: 844 } };
/** Of every entry. */
export const picture = demoFrame('frame_01_driveway_day.jpg');

const cameras = ['driveway', 'porch'];
const texts = ['A black cat sits on the left of the driveway.', 'A man carries a brown parcel.', 'Empty.'];

/** The captions page of an engine with 120 entries, and a browser that shows it. */
export class CaptionsPage {
  readonly store = new MemoryTimeline();
  /** Ids, the newest first. */
  readonly entries: number[] = [];
  /** How a question about a stored picture is answered. */
  ask: NonNullable<Timeline['ask']> = () => Promise.reject(new Error('no question was expected'));
  /** What the page's scripts throw; a test that ends with any fails. */
  faults: string[] = [];
  #served: ServedTimeline | undefined;
  #page: Page | undefined;

  get page(): Page {
    assert.ok(this.#page, 'no page was opened');
    return this.#page;
  }

  get url(): string {
    assert.ok(this.#served, 'the page is not served');
    return this.#served.url;
  }

  async serve(): Promise<void> {
    const bytes = await readFile(picture);
    for (let index = 0; index < 120; index++) {
      const text = `${texts[index % 3]} (${index})`;
      const camera = cameras[index % 2] ?? '';
      const timeMs = Date.now() - index * 30 * minute;
      const answers = index === 0 ? { answers: { 'Is a person visible?': false } } : {};
      const entry = { camera, text, timeMs, changed: index % 4 === 0, ...answers };
      this.entries.push(await this.store.add(entry, { thumbnail: bytes, picture: bytes }));
    }
    this.#served = await serveByEngine({
      ...{ id: 'home', name: 'Home', store: this.store },
      ask: (question, stored, options) => this.ask(question, stored, options),
    });
  }

  async close(): Promise<void> {
    await this.#served?.close();
  }

  /** Opens the page logged in. */
  async open(options: BrowserContextOptions = {}, hash = ''): Promise<void> {
    const key = `smolvlm-timeline${new URL(this.url).pathname.replaceAll('/', '-')}token`;
    // Not in the empty document that a page begins with.
    const logIn = `if (location.protocol === 'http:') localStorage.setItem(${JSON.stringify(key)}, ${JSON.stringify(token)})`;
    await this.#open(options, hash, logIn);
    // On a phone an open entry hides them.
    await this.rows().first().waitFor({ state: 'attached' });
  }

  async openLoggedOut(): Promise<void> {
    await this.#open({}, '', '');
  }

  async #open(options: BrowserContextOptions, hash: string, script: string): Promise<void> {
    const browser = await openBrowser();
    const viewport = { width: 1280, height: 800 };
    // axe's script is not the page's own.
    const context = await browser.newContext({ viewport, locale: 'en-US', bypassCSP: true, ...options });
    await context.addInitScript(script);
    this.#page = await context.newPage();
    this.faults = [];
    this.#page.on('pageerror', ({ message }) => this.faults.push(message));
    await this.#page.goto(`${this.url}${hash}`);
  }

  /** Closes what a test opened. */
  async leave(): Promise<void> {
    const page = this.#page;
    this.#page = undefined;
    await page?.context().close();
    assert.deepEqual(this.faults, []);
  }

  rows(): Locator {
    return this.page.locator('li[data-entry]');
  }

  async openEntry(id: number): Promise<void> {
    await this.page.locator(`li[data-entry="${id}"] a`).click();
  }
}

/** The page for the tests of the suite that calls this; each of them ends with its browser closed. */
export function suiteCaptionsPage(): CaptionsPage {
  const shown = new CaptionsPage();
  before(async function () {
    if (!hasChromium) this.skip();
    await shown.serve();
  });
  after(() => shown.close());
  afterEach(() => shown.leave());
  return shown;
}
