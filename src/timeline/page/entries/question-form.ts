import { SmolvlmError } from '../../../errors';
import type { EntryBody } from '../../http/timeline-api';
import type { TimelineClient } from '../client/timeline-client';
import { element, icon } from '../parts/element';
import type { WordKey, Words } from '../parts/page-words';

const phases: ReadonlySet<string> = new Set(['loading', 'image', 'vision', 'prefill', 'decode']);

/** Asks a stored picture another question, and shows the answer as it is written. */
export class QuestionForm {
  readonly element: HTMLFormElement;
  readonly #words: Words;
  readonly #client: TimelineClient;
  readonly #id: string;
  readonly #onAnswer: (entry: EntryBody) => void;
  readonly #input: HTMLInputElement;
  readonly #button: HTMLButtonElement;
  readonly #output = element('p', { class: 'answer', role: 'status', hidden: true });
  #running: AbortController | undefined;

  constructor(words: Words, client: TimelineClient, id: string, onAnswer: (entry: EntryBody) => void) {
    this.#words = words;
    this.#client = client;
    this.#id = id;
    this.#onAnswer = onAnswer;
    this.#input = element('input', {
      id: 'question',
      type: 'text',
      maxlength: 1000,
      autocomplete: 'off',
      enterkeyhint: 'send',
      placeholder: words.translate('askExample'),
    });
    this.#button = element('button', { type: 'submit', class: 'button primary' });
    this.element = element(
      'form',
      { class: 'question' },
      element('label', { for: 'question' }, words.translate('askLabel')),
      element('div', { class: 'question-row' }, this.#input, this.#button),
      this.#output,
    );
    this.#showButton();
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#running) this.cancel();
      else void this.#ask(this.#input.value.trim());
    });
  }

  /** @returns whether a question was under way */
  cancel(): boolean {
    if (!this.#running) return false;
    this.#running.abort();
    return true;
  }

  async #ask(question: string): Promise<void> {
    if (question === '') {
      this.#input.focus();
      return;
    }
    const running = new AbortController();
    this.#running = running;
    this.#showButton();
    this.#show(this.#words.translate('asking'));
    let text = '';
    try {
      for await (const line of this.#client.ask(this.#id, question, running.signal)) {
        if (line.type === 'token') {
          text += line.text;
          this.#show(text);
        } else if (line.type === 'progress' && text === '') this.#show(this.#phase(line.phase));
        else if (line.type === 'error') throw SmolvlmError.from(line.error);
        else if (line.type === 'answer') {
          this.#output.hidden = true;
          this.#input.value = '';
          this.#onAnswer(line.entry);
        }
      }
    } catch (error) {
      if (running.signal.aborted) this.#show(this.#words.translate('askCancelled'));
      else this.#show(this.#words.translate('askFailed', { reason: this.#words.failure(error) }), true);
    } finally {
      this.#running = undefined;
      this.#showButton();
    }
  }

  #phase(phase: string): string {
    return this.#words.translate(phases.has(phase) ? (`phase.${phase}` as WordKey) : 'asking');
  }

  #show(text: string, isError = false): void {
    this.#output.hidden = false;
    this.#output.classList.toggle('error', isError);
    this.#output.textContent = text;
  }

  #showButton(): void {
    const label = this.#words.translate(this.#running ? 'cancel' : 'ask');
    this.#button.replaceChildren(icon(this.#running ? 'close' : 'send'), label);
  }
}
