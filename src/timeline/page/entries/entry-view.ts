import type { AnswerBody, EntryBody } from '../../http/timeline-api';
import { releaseBlob, showBlob } from '../client/picture-loader';
import type { TimelineClient } from '../client/timeline-client';
import { element, icon, iconButton, textButton } from '../parts/element';
import type { Words } from '../parts/page-words';
import { answerWords, captionFields, captionWords } from './caption-words';
import { QuestionForm } from './question-form';

export interface EntryViewEvents {
  onClose(): void;
  onStep(step: -1 | 1): void;
  onDelete(entry: EntryBody): void;
  onChanged(entry: EntryBody): void;
}

export interface EntryViewOptions {
  readonly mayAsk: boolean;
  readonly mayDelete: boolean;
}

/** One entry with its picture, and its questions with their answers. */
export class EntryView {
  readonly #words: Words;
  readonly #client: TimelineClient;
  readonly element: HTMLElement;
  readonly #title = element('h2', { tabindex: -1, id: 'entry-title' });
  readonly #image: HTMLImageElement;
  readonly #stop = new AbortController();
  readonly #answers = element('dl', { class: 'answers' });
  readonly #question: QuestionForm | undefined;

  constructor(
    readonly entry: EntryBody,
    words: Words,
    client: TimelineClient,
    events: EntryViewEvents,
    { mayAsk, mayDelete }: EntryViewOptions,
  ) {
    this.#words = words;
    this.#client = client;
    const at = new Date(entry.at);
    const translate = words.translate.bind(words);
    this.#title.textContent = entry.camera || translate('noCamera');
    this.#image = element('img', { alt: captionWords(entry.text, words) });
    this.#showAnswers(entry.answers);
    const canAsk = mayAsk && entry.hasPicture;
    this.#question = canAsk
      ? new QuestionForm(words, client, entry.id, (changed) => {
          this.#showAnswers(changed.answers);
          events.onChanged(changed);
        })
      : undefined;
    const facts = [
      entry.model,
      entry.seconds === undefined
        ? undefined
        : translate('took', { seconds: Math.round(entry.seconds * 10) / 10 }),
    ].filter((fact) => fact !== undefined);
    this.element = element(
      'article',
      { class: 'entry', 'aria-labelledby': 'entry-title' },
      element(
        'div',
        { class: 'entry-bar' },
        iconButton('back', translate('back'), events.onClose),
        element(
          'div',
          { class: 'entry-head' },
          this.#title,
          element('time', { datetime: entry.at }, words.exactTime(at)),
        ),
        iconButton('previous', translate('newer'), () => events.onStep(-1)),
        iconButton('next', translate('older'), () => events.onStep(1)),
      ),
      element('div', { class: 'entry-picture' }, icon('picture'), this.#image),
      element(
        'div',
        { class: 'entry-body' },
        ...(captionFields(entry.text) ? [] : [element('p', { class: 'caption' }, entry.text)]),
        ...(entry.prompt
          ? [element('p', { class: 'prompt' }, translate('asked', { prompt: entry.prompt }))]
          : []),
        this.#answers,
        ...(this.#question ? [this.#question.element] : []),
        ...(mayAsk && !canAsk ? [element('p', { class: 'quiet' }, translate('pictureNotKept'))] : []),
        element(
          'div',
          { class: 'entry-actions' },
          ...(entry.hasPicture || entry.hasThumbnail ? [this.#downloadButton()] : []),
          ...(mayDelete ? [textButton(translate('delete'), 'danger', () => events.onDelete(entry))] : []),
        ),
        ...(facts.length > 0 ? [element('p', { class: 'quiet' }, facts.join(' · '))] : []),
      ),
    );
    if (entry.width && entry.height)
      this.element.style.setProperty('--ratio', `${entry.width} / ${entry.height}`);
    void this.#showPicture();
  }

  focus(): void {
    this.#title.focus({ preventScroll: true });
  }

  /** @returns whether a question was under way, which is then cancelled */
  cancelQuestion(): boolean {
    return this.#question?.cancel() ?? false;
  }

  close(): void {
    this.#stop.abort();
    this.#question?.cancel();
    releaseBlob(this.#image);
    this.element.remove();
  }

  /** The thumbnail first, which is there at once; then the picture. */
  async #showPicture(): Promise<void> {
    const kinds = [this.entry.hasThumbnail && 'thumbnail', this.entry.hasPicture && 'picture'] as const;
    for (const kind of kinds) {
      if (!kind) continue;
      try {
        showBlob(this.#image, await this.#client.image(this.entry.id, kind, this.#stop.signal));
      } catch {
        if (this.#stop.signal.aborted) return;
      }
    }
  }

  #downloadButton(): HTMLButtonElement {
    return textButton(this.#words.translate('savePicture'), 'plain', () => {
      if (this.#image.src === '') return;
      const name = `${this.entry.camera || 'camera'} ${this.entry.at.replaceAll(':', '.')}.jpg`;
      element('a', { href: this.#image.src, download: name }).click();
    });
  }

  /** A JSON answer's fields come first, unless they are among the kept answers. */
  #showAnswers(answers: readonly AnswerBody[]): void {
    const kept = new Set(answers.map(({ question }) => question));
    const fields = Object.entries(captionFields(this.entry.text) ?? {})
      .filter(([question]) => !kept.has(question))
      .map(([question, answer]) => ({ question, answer }));
    const shown = [...fields, ...answers];
    this.#answers.hidden = shown.length === 0;
    this.#answers.replaceChildren(
      ...shown.flatMap(({ question, answer }) => [
        element('dt', {}, question),
        element('dd', {}, answerWords(answer, this.#words)),
      ]),
    );
  }
}
