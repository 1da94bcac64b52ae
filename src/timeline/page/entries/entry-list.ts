import type { EntryBody } from '../../http/timeline-api';
import type { PictureLoader } from '../client/picture-loader';
import { element, icon, textButton } from '../parts/element';
import { dayKey, type Words } from '../parts/page-words';
import { captionWords } from './caption-words';

export interface EntryListEvents {
  onOpen(entry: EntryBody): void;
  /** The end of what is shown came near the screen. */
  onEnd(): void;
}

interface ShownEntry {
  readonly entry: EntryBody;
  readonly item: HTMLLIElement;
  readonly link: HTMLAnchorElement;
  readonly image: HTMLImageElement | undefined;
}

/** How far from the end of the list the next page is fetched. */
export const aheadPixels = 1_200;

/** Entries by day, newest first. Rows have one height, so nothing moves when a thumbnail arrives. */
export class EntryList {
  readonly element = element('div', { class: 'list' });
  readonly #words: Words;
  readonly #loader: PictureLoader;
  readonly #events: EntryListEvents;
  readonly #days = element('div', { class: 'days' });
  readonly #end = element('div', { class: 'list-end' });
  readonly #shown = new Map<string, ShownEntry>();
  #current: string | undefined;

  constructor(words: Words, loader: PictureLoader, events: EntryListEvents) {
    this.#words = words;
    this.#loader = loader;
    this.#events = events;
    this.element.append(this.#days, this.#end);
    const observer = new IntersectionObserver(
      // The report may be older than the entries that were appended since.
      (seen) =>
        seen.some(({ isIntersecting }) => isIntersecting) && this.#isEndNear() && this.#events.onEnd(),
      { rootMargin: `${aheadPixels}px` },
    );
    observer.observe(this.#end);
  }

  #isEndNear(): boolean {
    return this.#end.getBoundingClientRect().top <= innerHeight + aheadPixels;
  }

  get size(): number {
    return this.#shown.size;
  }

  get newest(): EntryBody | undefined {
    return this.#ordered()[0]?.entry;
  }

  has(id: string): boolean {
    return this.#shown.has(id);
  }

  clear(): void {
    for (const { image } of this.#shown.values()) if (image) this.#loader.forget(image);
    this.#shown.clear();
    this.#days.replaceChildren();
  }

  /** Adds older entries below. */
  append(entries: readonly EntryBody[]): void {
    for (const entry of entries)
      if (!this.has(entry.id)) this.#day(entry, 'append').append(this.#row(entry).item);
  }

  /** Adds a new entry where its time belongs, which is nearly always the top. */
  insert(entry: EntryBody): void {
    if (this.has(entry.id)) return;
    const later = this.#ordered().findLast((shown) => shown.entry.at > entry.at);
    if (later && dayKey(new Date(later.entry.at)) === dayKey(new Date(entry.at))) {
      later.item.after(this.#row(entry).item);
      return;
    }
    this.#day(entry, 'insert').prepend(this.#row(entry).item);
  }

  remove(id: string): void {
    const shown = this.#shown.get(id);
    if (!shown) return;
    if (shown.image) this.#loader.forget(shown.image);
    const section = shown.item.closest('section');
    shown.item.remove();
    if (section && !section.querySelector('li')) section.remove();
    this.#shown.delete(id);
  }

  /** The entry before or after another one. */
  neighbour(id: string | undefined, step: -1 | 1): EntryBody | undefined {
    const ordered = this.#ordered();
    const at = ordered.findIndex(({ entry }) => entry.id === id);
    if (at === -1) return ordered[0]?.entry;
    return ordered[at + step]?.entry;
  }

  /** Marks the entry that is open. */
  mark(id: string | undefined): void {
    if (this.#current !== undefined) this.#shown.get(this.#current)?.link.removeAttribute('aria-current');
    this.#current = id;
    if (id !== undefined) this.#shown.get(id)?.link.setAttribute('aria-current', 'true');
  }

  focus(id: string | undefined): void {
    const shown = id === undefined ? this.#ordered()[0] : this.#shown.get(id);
    shown?.link.focus({ preventScroll: true });
    shown?.item.scrollIntoView({ block: 'nearest' });
  }

  /** The entry whose row has the focus. */
  get focused(): string | undefined {
    return (document.activeElement?.closest('li[data-entry]') as HTMLElement | null)?.dataset.entry;
  }

  /** What is shown below the rows. */
  showEnd(content: 'loading' | 'all' | { readonly error: string; readonly retry: () => void }): void {
    if (content === 'loading') {
      const rows = Array.from({ length: this.size === 0 ? 8 : 2 }, () =>
        element('div', { class: 'skeleton' }),
      );
      this.#end.replaceChildren(
        element('div', { role: 'status', class: 'hidden-words' }, this.#words.translate('loading')),
        ...rows,
      );
      return;
    }
    if (content === 'all') {
      this.#end.replaceChildren();
      return;
    }
    this.#end.replaceChildren(
      element(
        'div',
        { class: 'notice', role: 'alert' },
        element('p', {}, content.error),
        textButton(this.#words.translate('retry'), 'plain', content.retry),
      ),
    );
  }

  /** @param more a button below the words */
  showEmpty(title: string, hint: string, more?: HTMLElement): void {
    this.#end.replaceChildren(
      element(
        'div',
        { class: 'notice', role: 'status' },
        icon('picture'),
        element('h2', {}, title),
        element('p', {}, hint),
        ...(more ? [more] : []),
      ),
    );
  }

  #ordered(): readonly ShownEntry[] {
    return [...this.#days.querySelectorAll<HTMLElement>('li[data-entry]')]
      .map((item) => this.#shown.get(item.dataset.entry ?? ''))
      .filter((shown) => shown !== undefined);
  }

  /** The list of an entry's day. */
  #day(entry: EntryBody, place: 'append' | 'insert'): HTMLOListElement {
    const at = new Date(entry.at);
    const key = dayKey(at);
    const found = this.#days.querySelector<HTMLOListElement>(`section[data-day="${key}"] ol`);
    if (found) return found;
    const list = element('ol');
    const section = element('section', { 'data-day': key }, element('h2', {}, this.#words.day(at)), list);
    const earlier = [...this.#days.children].find((each) => ((each as HTMLElement).dataset.day ?? '') < key);
    if (place === 'append' || !earlier) this.#days.append(section);
    else earlier.before(section);
    return list;
  }

  #row(entry: EntryBody): ShownEntry {
    const at = new Date(entry.at);
    const image = entry.hasThumbnail ? element('img', { alt: '', decoding: 'async' }) : undefined;
    const link = element(
      'a',
      { href: `#entry=${entry.id}` },
      element('span', { class: 'thumbnail' }, image ?? icon('picture')),
      element(
        'span',
        { class: 'row-words' },
        element(
          'span',
          { class: 'row-head' },
          element('time', { datetime: entry.at }, this.#words.time(at)),
          element('span', { class: 'row-camera' }, entry.camera || this.#words.translate('noCamera')),
          ...(entry.changed
            ? [element('span', { class: 'badge' }, this.#words.translate('changedBadge'))]
            : []),
        ),
        element('span', { class: 'row-text' }, captionWords(entry.text, this.#words)),
      ),
    );
    link.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#events.onOpen(entry);
    });
    const shown = { entry, link, image, item: element('li', { 'data-entry': entry.id }, link) };
    this.#shown.set(entry.id, shown);
    if (image) this.#loader.watch(image, entry.id);
    return shown;
  }
}
