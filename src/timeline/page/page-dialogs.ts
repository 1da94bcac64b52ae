import { type ExportFormat, exportFormats } from '../http/timeline-api';
import { element, iconButton, textButton } from './parts/element';
import type { WordKey, Words } from './parts/page-words';

/** A modal dialog of the page. Esc closes it, and the focus returns to where it was. */
function openDialog(title: string, words: Words, ...content: readonly Node[]): HTMLDialogElement {
  const dialog = element('dialog', { 'aria-labelledby': 'dialog-title' });
  dialog.append(
    element(
      'div',
      { class: 'dialog-bar' },
      element('h2', { id: 'dialog-title' }, title),
      iconButton('close', words.translate('close'), () => dialog.close()),
    ),
    ...content,
  );
  // A click outside of it.
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** @returns whether the person confirmed */
export function confirmDelete(words: Words): Promise<boolean> {
  return new Promise((resolve) => {
    let isConfirmed = false;
    const cancel = textButton(words.translate('cancel'), 'plain', () => dialog.close());
    const confirm = textButton(words.translate('delete'), 'danger', () => {
      isConfirmed = true;
      dialog.close();
    });
    const dialog = openDialog(
      words.translate('deleteTitle'),
      words,
      element('p', {}, words.translate('deleteWarning')),
      element('div', { class: 'dialog-buttons' }, cancel, confirm),
    );
    dialog.addEventListener('close', () => resolve(isConfirmed));
    cancel.focus();
  });
}

/**
 * @param calendar address of the calendar to subscribe to
 * @param save fetches and saves a file; its rejection is shown
 */
export function exportDialog(
  words: Words,
  isFiltered: boolean,
  calendar: string,
  save: (format: ExportFormat, signal: AbortSignal) => Promise<void>,
): void {
  const stop = new AbortController();
  const state = element('p', { role: 'status' });
  const button = (format: ExportFormat): HTMLButtonElement =>
    textButton(words.translate(`export.${format}` satisfies WordKey), 'plain', () => {
      state.textContent = words.translate('exporting');
      save(format, stop.signal).then(
        () => dialog.close(),
        (error: unknown) => {
          state.textContent = words.translate('exportFailed', { reason: words.failure(error) });
        },
      );
    });
  const dialog = openDialog(
    words.translate('export'),
    words,
    element('p', {}, words.translate(isFiltered ? 'exportFound' : 'exportAll')),
    element('div', { class: 'dialog-choices' }, ...exportFormats.map(button)),
    state,
    element('p', {}, words.translate('subscribe')),
    element('p', {}, element('a', { class: 'calendar-address', href: calendar }, calendar)),
  );
  dialog.addEventListener('close', () => stop.abort());
}

const keys = [
  ['/', 'key.search'],
  ['j', 'key.older'],
  ['k', 'key.newer'],
  ['Enter', 'key.open'],
  ['Esc', 'key.close'],
  ['?', 'key.help'],
] as const satisfies readonly (readonly [string, WordKey])[];

export function keysDialog(words: Words): void {
  const rows = keys.flatMap(([key, meaning]) => [
    element('dt', {}, element('kbd', {}, key)),
    element('dd', {}, words.translate(meaning)),
  ]);
  openDialog(words.translate('keys'), words, element('dl', { class: 'keys' }, ...rows));
}

export interface MenuChoice<Name extends string> {
  readonly label: string;
  readonly choices: Readonly<Record<Name, string>>;
  readonly chosen: Name;
  readonly onChoose: (name: Name) => void;
}

/** Settings and what else the page does. */
export function menuDialog(
  words: Words,
  settings: readonly MenuChoice<string>[],
  actions: readonly (readonly [label: string, run: () => void])[],
): void {
  const fields = settings.map(({ label, choices, chosen, onChoose }) => {
    const select = element('select');
    for (const [value, text] of Object.entries(choices)) select.append(element('option', { value }, text));
    select.value = chosen;
    select.addEventListener('change', () => onChoose(select.value));
    return element('label', { class: 'field' }, element('span', {}, label), select);
  });
  const buttons = actions.map(([label, run]) =>
    textButton(label, 'plain', () => {
      dialog.close();
      run();
    }),
  );
  const dialog = openDialog(
    words.translate('menu'),
    words,
    ...fields,
    element('div', { class: 'dialog-choices' }, ...buttons),
  );
}
