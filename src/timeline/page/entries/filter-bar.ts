import type { CameraBody, DayBody } from '../../http/timeline-api';
import type { EntryFilter } from '../client/timeline-client';
import { element, icon } from '../parts/element';
import type { Words } from '../parts/page-words';

/** After the last key, before a search. */
const typingMs = 250;

/** Search field, cameras, days and "only what changed". */
export class FilterBar {
  readonly element: HTMLElement;
  readonly #words: Words;
  readonly #onChange: (filter: EntryFilter) => void;
  readonly #search: HTMLInputElement;
  readonly #cameras: HTMLElement;
  readonly #days: HTMLSelectElement;
  readonly #changed: HTMLButtonElement;
  #filter: EntryFilter;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(words: Words, filter: EntryFilter, onChange: (filter: EntryFilter) => void) {
    this.#words = words;
    this.#filter = filter;
    this.#onChange = onChange;
    this.#search = element('input', {
      type: 'search',
      id: 'search',
      placeholder: words.translate('search'),
      'aria-label': words.translate('search'),
      autocomplete: 'off',
      enterkeyhint: 'search',
      maxlength: 200,
    });
    this.#search.value = filter.text ?? '';
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#searchText(), typingMs);
    });
    this.#cameras = element('div', {
      class: 'chips',
      role: 'group',
      'aria-label': words.translate('cameras'),
    });
    this.#days = element('select', { 'aria-label': words.translate('day') });
    this.#days.addEventListener('change', () => this.#change({ day: this.#days.value || undefined }));
    this.#changed = element('button', { type: 'button', class: 'chip' }, words.translate('onlyChanged'));
    this.#changed.addEventListener('click', () =>
      this.#change({ changed: !this.#filter.changed || undefined }),
    );
    this.element = element(
      'search',
      { class: 'filters' },
      element('div', { class: 'search-field' }, icon('search'), this.#search),
      element('div', { class: 'filter-row' }, this.#days, this.#changed),
      this.#cameras,
    );
    this.showCameras([]);
    this.showDays([]);
    this.#showState();
  }

  get filter(): EntryFilter {
    return this.#filter;
  }

  get isEmpty(): boolean {
    return Object.keys(this.#filter).length === 0;
  }

  /** Focuses the search field. */
  focus(): void {
    this.#search.focus();
    this.#search.select();
  }

  clear(): void {
    this.set({});
    this.#onChange(this.#filter);
  }

  /** Shows a filter that was chosen elsewhere. */
  set(filter: EntryFilter): void {
    clearTimeout(this.#timer);
    this.#filter = filter;
    this.#search.value = filter.text ?? '';
    this.#showState();
  }

  showCameras(cameras: readonly CameraBody[]): void {
    const names = cameras.map(({ camera }) => camera);
    const { camera } = this.#filter;
    if (camera !== undefined && !names.includes(camera)) names.push(camera);
    const chip = (label: string, name: string | undefined): HTMLButtonElement => {
      const button = element('button', { type: 'button', class: 'chip' }, label);
      if (name !== undefined) button.dataset.camera = name;
      button.addEventListener('click', () => this.#change({ camera: name }));
      return button;
    };
    this.#cameras.hidden = names.length === 0;
    this.#cameras.replaceChildren(
      chip(this.#words.translate('allCameras'), undefined),
      ...names.map((name) => chip(name || this.#words.translate('noCamera'), name)),
    );
    this.#showState();
  }

  showDays(days: readonly DayBody[]): void {
    const option = (value: string, label: string): HTMLOptionElement => element('option', { value }, label);
    const listed = days.map(({ day, entries }) => {
      const label = this.#words.shortDay(new Date(`${day}T12:00:00`));
      return option(day, this.#words.translate('dayCount', { day: label, number: entries }));
    });
    const { day } = this.#filter;
    if (day !== undefined && !days.some((each) => each.day === day))
      listed.push(option(day, this.#words.shortDay(new Date(`${day}T12:00:00`))));
    this.#days.replaceChildren(option('', this.#words.translate('allDays')), ...listed);
    this.#showState();
  }

  #searchText(): void {
    const text = this.#search.value.trim();
    if (text !== (this.#filter.text ?? '')) this.#change({ text: text || undefined });
  }

  #change(fields: { readonly [Name in keyof EntryFilter]: EntryFilter[Name] | undefined }): void {
    const merged = { ...this.#filter, ...fields };
    this.#filter = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
    this.#showState();
    this.#onChange(this.#filter);
  }

  #showState(): void {
    this.#days.value = this.#filter.day ?? '';
    this.#changed.setAttribute('aria-pressed', String(this.#filter.changed === true));
    for (const chip of this.#cameras.querySelectorAll('button'))
      chip.setAttribute('aria-pressed', String(chip.dataset.camera === this.#filter.camera));
  }
}
