import type { EntryBody } from '../../http/timeline-api';
import type { TimelineClient } from '../client/timeline-client';
import { textButton } from '../parts/element';
import { dayKey, type Words } from '../parts/page-words';
import { aheadPixels, type EntryList } from './entry-list';
import type { FilterBar } from './filter-bar';

export interface EntryFeedOptions {
  readonly words: Words;
  readonly client: TimelineClient;
  readonly filters: FilterBar;
  readonly list: EntryList;
  /** A page was appended to the list. */
  readonly onPage: () => void;
  readonly faultText: (error: unknown) => string;
}

/** Nearer to the top, new entries are shown at once. */
const topPixels = 80;

/** Fills the list: pages of older entries below, and above what arrives, at once or behind a button. */
export class EntryFeed {
  /** Shows what has arrived while the reader was further down. */
  readonly news: HTMLButtonElement;
  readonly #options: EntryFeedOptions;
  readonly #words: Words;
  readonly #client: TimelineClient;
  readonly #filters: FilterBar;
  readonly #list: EntryList;
  #pending: EntryBody[] = [];
  #search = new AbortController();
  #next: string | undefined;
  #isLoading = false;
  #isComplete = false;
  #hasLoaded = false;

  constructor(options: EntryFeedOptions) {
    this.#options = options;
    this.#words = options.words;
    this.#client = options.client;
    this.#filters = options.filters;
    this.#list = options.list;
    this.news = textButton('', 'primary', () => this.#showNews());
    this.news.classList.add('news');
    this.news.hidden = true;
  }

  close(): void {
    this.#search.abort();
  }

  /** Appends the next page, unless one is being fetched or all are here. */
  async loadMore(): Promise<void> {
    if (this.#isLoading || this.#isComplete) return;
    this.#isLoading = true;
    const search = this.#search;
    this.#list.showEnd('loading');
    try {
      do {
        const { entries, next } = await this.#client.entries(this.#filters.filter, this.#next, search.signal);
        if (search.signal.aborted) return;
        this.#list.append(entries);
        this.#hasLoaded = true;
        this.#next = next;
        this.#isComplete = next === undefined;
      } while (!this.#isComplete && this.#isEndNear());
      if (this.#isComplete) this.#showComplete();
      this.#options.onPage();
    } catch (error) {
      if (search.signal.aborted) return;
      this.#list.showEnd({ error: this.#options.faultText(error), retry: () => void this.loadMore() });
    } finally {
      if (search === this.#search) this.#isLoading = false;
    }
  }

  #isEndNear(): boolean {
    return document.documentElement.scrollHeight - scrollY - innerHeight < aheadPixels;
  }

  #showComplete(): void {
    const translate = this.#words.translate.bind(this.#words);
    if (this.#list.size > 0) this.#list.showEnd('all');
    else if (this.#filters.isEmpty) this.#list.showEmpty(translate('empty'), translate('emptyHint'));
    else {
      const clear = textButton(translate('clearFilters'), 'plain', () => this.#filters.clear());
      this.#list.showEmpty(translate('nothingFound'), translate('nothingFoundHint'), clear);
    }
  }

  /** Begins again, with the filters as they are. */
  reload(): void {
    this.#search.abort();
    this.#search = new AbortController();
    this.#isLoading = false;
    this.#isComplete = false;
    this.#next = undefined;
    this.#setPending([]);
    this.#list.clear();
    scrollTo(0, 0);
    void this.loadMore();
  }

  /** An entry that was added just now. */
  arrived(entry: EntryBody): void {
    const { text, camera, day, changed } = this.#filters.filter;
    const isShown =
      (camera === undefined || camera === entry.camera) &&
      (!changed || entry.changed) &&
      (day === undefined || day === dayKey(new Date(entry.at)));
    const isHere = this.#list.has(entry.id) || this.#pending.some(({ id }) => id === entry.id);
    if (!isShown || isHere) return;
    // Only the server can tell whether a search finds it.
    if (text === undefined && scrollY < topPixels) this.#show([entry]);
    else this.#setPending([...this.#pending, entry]);
  }

  #show(entries: readonly EntryBody[]): void {
    for (const entry of entries) this.#list.insert(entry);
    if (this.#isComplete && this.#list.size > 0) this.#list.showEnd('all');
  }

  #showNews(): void {
    const pending = this.#pending;
    this.#setPending([]);
    scrollTo({ top: 0 });
    if (this.#filters.filter.text !== undefined) this.reload();
    else this.#show(pending);
  }

  #setPending(entries: EntryBody[]): void {
    this.#pending = entries;
    this.news.hidden = entries.length === 0;
    this.news.textContent = this.#words.translate('news', { number: entries.length });
  }

  /** Entries that were deleted here or elsewhere. */
  removed(ids: readonly string[]): void {
    for (const id of ids) this.#list.remove(id);
    this.#setPending(this.#pending.filter(({ id }) => !ids.includes(id)));
    if (this.#isComplete && this.#list.size === 0) this.#showComplete();
  }

  /** What arrived while there was no connection. */
  async catchUp(): Promise<void> {
    // The first page has everything that arrives before it.
    if (!this.#hasLoaded) return;
    try {
      const { entries } = await this.#client.entries(this.#filters.filter, undefined, this.#search.signal);
      const isNear = entries.length === 0 || entries.some(({ id }) => this.#list.has(id));
      if (isNear) for (const entry of [...entries].reverse()) this.arrived(entry);
      else this.reload();
    } catch {
      // The connection is lost again.
    }
  }
}
