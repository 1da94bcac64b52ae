import { ImageError } from '../../picture/image-error';
import { shortened } from '../../protocol/caption-property';
import type { Translate } from '../node-status';
import { type Anchor, AnchorMemory } from './anchor-memory';
import { type CaptionPlan, type HeldPicture, type ParsedMessage, plannedRequest } from './caption-plan';
import type { CaptionSettings } from './caption-settings';
import { changeQuestion, describeQuestion, type Preset } from './presets';

/** Compares frames with an earlier one of the same camera. */
export class ChangedPreset {
  readonly #settings: CaptionSettings;
  readonly #translate: Translate;
  readonly #anchors: AnchorMemory;

  constructor(settings: CaptionSettings, translate: Translate, anchors = new AnchorMemory()) {
    this.#settings = settings;
    this.#translate = translate;
    this.#anchors = anchors;
  }

  /**
   * Two pictures in the message are before and now; one is compared with its camera's anchor.
   * @throws ImageError `image-count` for more
   */
  call(asked: ParsedMessage<readonly Uint8Array[]>): CaptionPlan | HeldPicture {
    const { pictures, request } = asked;
    if (pictures.length > 2) {
      throw new ImageError(
        'image-count',
        `expected one picture, or two (before and now), received ${pictures.length}`,
        { hint: 'Send the frames one by one, or choose the preset "describe" for a series.' },
      );
    }
    const [first, second] = pictures.map((picture) => anchorOf(picture, request.capturedAt));
    const [before, now] = second ? [first, second] : [this.#anchorFor(asked, first as Anchor), first];
    if (!before || !now) return { held: 'anchor-set', reason: this.#translate('changed.anchorSet') };
    const { question, language } = asked;
    return this.#settings.compare === 'together'
      ? together(asked, changeQuestion(question, language), before, now)
      : this.#each(asked, describeQuestion(question, language, 1), before, now);
  }

  close(): void {
    this.#anchors.clear();
  }

  /** @returns undefined when the frame became the anchor itself */
  #anchorFor({ message, camera }: ParsedMessage, frame: Anchor): Anchor | undefined {
    const anchor = message.anchor === true ? undefined : this.#anchors.get(camera);
    if (!anchor || this.#settings.anchor === 'previous') this.#anchors.set(camera, frame);
    return anchor;
  }

  /** The anchor's words are remembered with it, so that a frame costs one question. */
  #each(asked: ParsedMessage, question: Preset, before: Anchor, now: Anchor): CaptionPlan {
    const { prompt } = question;
    const known = before.caption?.prompt === prompt ? before.caption.text : undefined;
    const asks = (known === undefined ? [before, now] : [now]).map(({ picture }) => ({
      ...plannedRequest(asked, question, [picture]),
      inWords: false,
    }));
    return {
      prompt,
      asks,
      read: (results) => {
        const texts = results.map(({ text }) => text);
        const words = { before: known ?? texts[0] ?? '', now: texts.at(-1) ?? '' };
        before.caption = { prompt, text: words.before };
        now.caption = { prompt, text: words.now };
        const changed = words.before !== words.now;
        const text = this.#translate(changed ? 'changed.differs' : 'changed.same', words);
        return {
          payload: text,
          caption: { text, short: shortened(text), changed, ...words, anchorAt: before.capturedAt },
        };
      },
    };
  }
}

function together(asked: ParsedMessage, question: Preset, before: Anchor, now: Anchor): CaptionPlan {
  return {
    prompt: question.prompt,
    asks: [plannedRequest(asked, question, [before.picture, now.picture])],
    read: (results) => {
      const { payload, caption } = question.read(results[0] as never);
      return { payload, caption: { ...caption, anchorAt: before.capturedAt } };
    },
  };
}

/** A copy: the message's own bytes may lie in a larger buffer, or be changed by other nodes. */
function anchorOf(picture: Uint8Array, capturedAt = new Date().toISOString()): Anchor {
  return { picture: Uint8Array.from(picture), capturedAt };
}
