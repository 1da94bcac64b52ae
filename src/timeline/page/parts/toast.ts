import { element } from './element';

const shownMs = 6_000;

/** A short message over the page, which disappears by itself. */
export class Toast {
  readonly element = element('div', { class: 'toast', role: 'status', hidden: true });
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(text: string): void {
    clearTimeout(this.#timer);
    this.element.textContent = text;
    this.element.hidden = false;
    this.#timer = setTimeout(() => {
      this.element.hidden = true;
    }, shownMs);
  }
}
