/** Decodes tokens into text as they arrive. */
export interface TextStream {
  /** @returns the text that is certain now */
  push(id: number): string;
  /** @returns the rest, when no more tokens follow */
  end(): string;
}

/**
 * The answer's text as it grows: trimmed, cut before the first stop string, and
 * nothing is passed on that could still be the beginning of one.
 */
export class AnswerText {
  readonly #keepStart: boolean;
  readonly #stream: TextStream;
  readonly #stops: readonly string[];
  readonly #onText: ((text: string) => void) | undefined;
  #text = '';
  #handedOn = 0;
  stopped = false;

  /** @param keepStart white space at the beginning is part of the text: it continues another one */
  constructor(
    stream: TextStream,
    stops: readonly string[] = [],
    onText?: (text: string) => void,
    keepStart = false,
  ) {
    this.#keepStart = keepStart;
    this.#stream = stream;
    this.#stops = stops.filter((stop) => stop !== '');
    this.#onText = onText;
  }

  get text(): string {
    return this.#keepStart ? this.#text.trimEnd() : this.#text.trim();
  }

  push(id: number): void {
    this.add(this.#stream.push(id));
  }

  end(): void {
    if (!this.stopped) this.add(this.#stream.end());
    this.#handOn(this.#text.trimEnd().length);
  }

  /** Adds text that was decoded elsewhere. */
  add(piece: string): void {
    this.#text = this.#text === '' && !this.#keepStart ? piece.trimStart() : this.#text + piece;
    const found = this.#stops.map((stop) => this.#text.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#text = this.#text.slice(0, Math.min(...found));
      this.stopped = true;
    } else {
      this.#handOn(this.#text.slice(0, this.#text.length - this.#unfinishedStop()).trimEnd().length);
    }
  }

  /** Length of the longest end of the text that begins a stop string. */
  #unfinishedStop(): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, this.#text.length); length > longest; length--) {
        if (this.#text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }

  #handOn(until: number): void {
    if (until <= this.#handedOn) return;
    this.#onText?.(this.#text.slice(this.#handedOn, until));
    this.#handedOn = until;
  }
}
