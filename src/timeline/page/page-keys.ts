import type { TimelineView } from './timeline-view';

export interface KeyOptions {
  readonly view: () => TimelineView | undefined;
  /** Single letters can be switched off: speech input types them by accident. */
  readonly isOn: () => boolean;
  readonly showKeys: () => void;
}

/** The page's keys. While somebody types or a dialog is open, only Esc is taken. */
export function listenToKeys({ view, isOn, showKeys }: KeyOptions): void {
  document.addEventListener('keydown', (event) => {
    const shown = view();
    const isModified = event.ctrlKey || event.metaKey || event.altKey;
    if (!shown || isModified || event.defaultPrevented || document.querySelector('dialog[open]')) return;
    const { target } = event;
    const isTyping = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
    if (event.key === 'Escape') {
      if (isTyping) (target as HTMLElement).blur();
      shown.escape();
      event.preventDefault();
      return;
    }
    if (isTyping) return;
    if (take(event.key, shown, isOn(), showKeys)) event.preventDefault();
  });
}

/** @returns whether the key means something here */
function take(key: string, view: TimelineView, hasLetters: boolean, showKeys: () => void): boolean {
  if (view.hasOpenEntry && key === 'ArrowLeft') return view.step(-1);
  if (view.hasOpenEntry && key === 'ArrowRight') return view.step(1);
  if (view.hasFocusInList && key === 'ArrowUp') return view.step(-1);
  if (view.hasFocusInList && key === 'ArrowDown') return view.step(1);
  if (!hasLetters) return false;
  if (key === 'j') return view.step(1);
  if (key === 'k') return view.step(-1);
  if (key === '/') view.focusSearch();
  else if (key === '?') showKeys();
  else return false;
  return true;
}
