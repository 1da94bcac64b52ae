import { defined } from '../../system/defined';
import type { EntryBody, TimelineBody } from '../http/timeline-api';
import { LiveEntries } from './client/live-entries';
import { PictureLoader } from './client/picture-loader';
import type { TimelineClient } from './client/timeline-client';
import { EntryFeed } from './entries/entry-feed';
import { EntryList } from './entries/entry-list';
import { EntryView } from './entries/entry-view';
import { FilterBar } from './entries/filter-bar';
import { exportChoice } from './export-choice';
import { type PageAddress, readAddress, writeAddress } from './page-address';
import { confirmDelete } from './page-dialogs';
import { element, iconButton } from './parts/element';
import type { Words } from './parts/page-words';
import { Toast } from './parts/toast';

export interface TimelineViewOptions {
  readonly words: Words;
  readonly client: TimelineClient;
  readonly timelines: readonly TimelineBody[];
  readonly timeline: TimelineBody;
  readonly mayWrite: boolean;
  /** Opens the menu. @param more what else it offers */
  readonly onMenu: (more: readonly (readonly [label: string, run: () => void])[]) => void;
  /** Another timeline was chosen. */
  readonly onTimeline: (id: string) => void;
  readonly onRefused: () => void;
}

/** The list, its filters, and the entry that is open. */
export class TimelineView {
  readonly element: HTMLElement;
  readonly #options: TimelineViewOptions;
  readonly #words: Words;
  readonly #client: TimelineClient;
  readonly #filters: FilterBar;
  readonly #list: EntryList;
  readonly #live: LiveEntries;
  readonly #panel = element('div', { class: 'panel' });
  readonly #state = element('span', { class: 'live', role: 'status' });
  readonly #feed: EntryFeed;
  readonly #toast = new Toast();
  readonly #stop = new AbortController();
  #open: EntryView | undefined;
  /** Whether the open entry has its own step in the browser's history. */
  #isPushed = false;

  constructor(options: TimelineViewOptions) {
    this.#options = options;
    const { words, client } = options;
    this.#words = words;
    this.#client = client;
    const address = readAddress();
    this.#filters = new FilterBar(words, address.filter, () => this.#filterChanged());
    this.#list = new EntryList(words, new PictureLoader(client), {
      onOpen: (entry) => this.#openEntry(entry, 'push'),
      onEnd: () => void this.#feed.loadMore(),
    });
    this.#feed = new EntryFeed({
      words,
      client,
      filters: this.#filters,
      list: this.#list,
      onPage: () => this.#list.mark(this.#open?.entry.id),
      faultText: (error) => this.#words.failure(error),
    });
    this.element = element(
      'div',
      { class: 'page' },
      element(
        'header',
        { class: 'bar' },
        element('h1', {}, words.translate('title')),
        ...this.#timelineChoice(),
        this.#state,
        iconButton('menu', words.translate('menu'), () => this.#menu()),
      ),
      element(
        'div',
        { class: 'layout' },
        element('main', { class: 'column' }, this.#filters.element, this.#list.element),
        element('aside', { class: 'side', 'aria-label': words.translate('entry') }, this.#panel),
      ),
      this.#feed.news,
      this.#toast.element,
    );
    this.#showPlaceholder();
    addEventListener('popstate', () => this.#addressChanged(), { signal: this.#stop.signal });
    this.#live = new LiveEntries(client, {
      onEntry: (entry) => this.#feed.arrived(entry),
      onRemoved: (ids) => this.#removed(ids),
      onState: (isLive) => this.#connection(isLive),
      onRefused: () => options.onRefused(),
    });
    void this.#feed.loadMore();
    void this.#loadChoices();
    if (address.entry !== undefined) void this.#openById(address.entry);
  }

  close(): void {
    this.#stop.abort();
    this.#feed.close();
    this.#live.close();
    this.#open?.close();
    this.#list.clear();
    this.element.remove();
  }

  focusSearch(): void {
    if (this.#open && this.#isPhone()) this.#closeEntry();
    this.#filters.focus();
  }

  /** Goes to the next older (1) or newer (-1) entry. @returns false where there is none */
  step(step: -1 | 1): boolean {
    const from = this.#open?.entry.id ?? this.#list.focused;
    const entry = this.#list.neighbour(from, step);
    if (!entry) return false;
    if (this.#open) this.#openEntry(entry, 'replace');
    this.#list.focus(entry.id);
    if (!this.#list.neighbour(entry.id, 1)) void this.#feed.loadMore();
    return true;
  }

  get hasOpenEntry(): boolean {
    return this.#open !== undefined;
  }

  get hasFocusInList(): boolean {
    return this.#list.focused !== undefined;
  }

  /** What Esc does: it closes the innermost thing that is open. */
  escape(): void {
    if (this.#open?.cancelQuestion()) return;
    if (this.#open) this.#closeEntry();
    else if (!this.#filters.isEmpty) this.#filters.clear();
  }

  async #loadChoices(): Promise<void> {
    try {
      const [cameras, days] = await Promise.all([
        this.#client.cameras(),
        this.#client.days(this.#filters.filter.camera),
      ]);
      this.#filters.showCameras(cameras);
      this.#filters.showDays(days);
    } catch {
      // The list shows what is wrong.
    }
  }

  #filterChanged(): void {
    history.replaceState(null, '', this.#address());
    this.#feed.reload();
    void this.#loadChoices();
  }

  #removed(ids: readonly string[]): void {
    this.#feed.removed(ids);
    if (this.#open && ids.includes(this.#open.entry.id)) this.#closeEntry();
  }

  #connection(isLive: boolean): void {
    this.#state.textContent = this.#words.translate(isLive ? 'live' : 'offline');
    this.#state.dataset.state = isLive ? 'live' : 'offline';
    if (isLive) void this.#feed.catchUp();
  }

  async #openById(id: string): Promise<void> {
    try {
      this.#openEntry(await this.#client.entry(id, this.#stop.signal), 'none');
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#toast.show(this.#words.failure(error));
    }
  }

  #openEntry(entry: EntryBody, step: 'push' | 'replace' | 'none'): void {
    if (this.#open?.entry.id === entry.id) {
      this.#open.focus();
      return;
    }
    const { mayWrite, timeline } = this.#options;
    const wasOpen = this.#open !== undefined;
    this.#open?.close();
    this.#open = new EntryView(
      entry,
      this.#words,
      this.#client,
      {
        onClose: () => this.#closeEntry(),
        onStep: (by) => this.step(by),
        onDelete: (each) => void this.#delete(each),
        onChanged: () => {},
      },
      { mayAsk: mayWrite && timeline.mayAsk, mayDelete: mayWrite },
    );
    this.#panel.replaceChildren(this.#open.element);
    this.#panel.scrollTop = 0;
    document.documentElement.classList.add('has-entry');
    this.#list.mark(entry.id);
    if (step === 'push' && !wasOpen) {
      history.pushState(null, '', this.#address());
      this.#isPushed = true;
    } else if (step !== 'none') history.replaceState(null, '', this.#address());
    if (step !== 'replace' || this.#isPhone()) this.#open.focus();
  }

  #closeEntry(): void {
    // The address changes, and with it the page.
    if (this.#isPushed) history.back();
    else {
      this.#hideEntry();
      history.replaceState(null, '', this.#address());
    }
  }

  #hideEntry(): void {
    const { id } = this.#open?.entry ?? {};
    this.#open?.close();
    this.#open = undefined;
    this.#isPushed = false;
    document.documentElement.classList.remove('has-entry');
    this.#list.mark(undefined);
    this.#showPlaceholder();
    if (id !== undefined && this.#list.has(id)) this.#list.focus(id);
  }

  #addressChanged(): void {
    const { filter, entry } = readAddress();
    if (JSON.stringify(filter) !== JSON.stringify(this.#filters.filter)) {
      this.#filters.set(filter);
      this.#feed.reload();
      void this.#loadChoices();
    }
    if (entry === undefined) {
      if (this.#open) this.#hideEntry();
    } else if (entry !== this.#open?.entry.id) void this.#openById(entry);
  }

  async #delete(entry: EntryBody): Promise<void> {
    if (!(await confirmDelete(this.#words))) return;
    try {
      await this.#client.remove(entry.id);
      const next = this.#list.neighbour(entry.id, 1) ?? this.#list.neighbour(entry.id, -1);
      this.#removed([entry.id]);
      if (next && !this.#isPhone()) this.#list.focus(next.id);
      this.#toast.show(this.#words.translate('deleted'));
    } catch (error) {
      this.#toast.show(this.#words.failure(error));
    }
  }

  #menu(): void {
    const { words, client, timelines, timeline } = this.#options;
    const named = timelines.length > 1 ? timeline.id : undefined;
    const { filter, isEmpty } = this.#filters;
    this.#options.onMenu([
      exportChoice({ words, client, filter, isAll: isEmpty, ...defined({ timeline: named }) }),
    ]);
  }

  #timelineChoice(): readonly Node[] {
    const { timelines, timeline, onTimeline, words } = this.#options;
    if (timelines.length < 2) return [];
    const select = element('select', { class: 'timeline-choice', 'aria-label': words.translate('timeline') });
    for (const { id, name } of timelines) select.append(element('option', { value: id }, name || id));
    select.value = timeline.id;
    select.addEventListener('change', () => onTimeline(select.value));
    return [select];
  }

  #address(): string {
    const { timelines, timeline } = this.#options;
    const address: PageAddress = {
      filter: this.#filters.filter,
      ...(timelines.length > 1 ? { timeline: timeline.id } : {}),
      ...(this.#open ? { entry: this.#open.entry.id } : {}),
    };
    return writeAddress(address);
  }

  #showPlaceholder(): void {
    this.#panel.replaceChildren(element('p', { class: 'placeholder' }, this.#words.translate('chooseEntry')));
  }

  #isPhone(): boolean {
    return matchMedia('(max-width: 839px)').matches;
  }
}
