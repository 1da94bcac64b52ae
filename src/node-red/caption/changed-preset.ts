import { ImageError } from '../../picture/image-error';
import { shortened } from '../../protocol/caption-property';
import type { Translate } from '../translate';
import { type Anchor, AnchorMemory } from './anchor-memory';
import { type CaptionPlan, type HeldPicture, type ParsedMessage, plannedRequest } from './caption-plan';
import type { CaptionSettings } from './caption-settings';
import { changePreset, describePreset, type Preset } from './presets';

/** Compares frames with an earlier frame of the same camera. */
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
   * Two pictures in a message are compared with each other; a single one with its camera's anchor.
   * @throws ImageError `image-count` for more than two pictures
   */
  plan(parsed: ParsedMessage<readonly Uint8Array[]>): CaptionPlan | HeldPicture {
    const { pictures, request } = parsed;
    if (pictures.length > 2) {
      throw new ImageError(
        'image-count',
        `expected one picture, or two (before and now), received ${pictures.length}`,
        { hint: 'Send the frames one by one, or choose the preset "describe" for a series.' },
      );
    }
    const [first, second] = pictures.map((picture) => anchorOf(picture, request.capturedAt));
    const [before, now] = second ? [first, second] : [this.#anchorFor(parsed, first as Anchor), first];
    if (!before || !now) return { held: 'anchor-set', reason: this.#translate('changed.anchorSet') };
    const { question, language } = parsed;
    return this.#settings.compare === 'together'
      ? together(parsed, changePreset(question, language), before, now)
      : this.#each(parsed, describePreset(question, language, 1), before, now);
  }

  close(): void {
    this.#anchors.clear();
  }

  /** @returns undefined if the frame itself became the anchor */
  #anchorFor({ message, camera }: ParsedMessage, frame: Anchor): Anchor | undefined {
    const anchor = message.anchor === true ? undefined : this.#anchors.get(camera);
    if (!anchor || this.#settings.anchor === 'previous') this.#anchors.set(camera, frame);
    return anchor;
  }

  /** The anchor's caption is kept with it, so that a frame needs one request only. */
  #each(parsed: ParsedMessage, preset: Preset, before: Anchor, now: Anchor): CaptionPlan {
    const { prompt } = preset;
    const known = before.caption?.prompt === prompt ? before.caption.text : undefined;
    const requests = (known === undefined ? [before, now] : [now]).map(({ picture }) => ({
      ...plannedRequest(parsed, preset, [picture]),
      streamable: false,
    }));
    return {
      prompt,
      requests,
      parse: (results) => {
        const texts = results.map(({ text }) => text);
        const captions = { before: known ?? texts[0] ?? '', now: texts.at(-1) ?? '' };
        before.caption = { prompt, text: captions.before };
        now.caption = { prompt, text: captions.now };
        const changed = captions.before !== captions.now;
        const text = this.#translate(changed ? 'changed.differs' : 'changed.same', captions);
        return {
          payload: text,
          caption: { text, short: shortened(text), changed, ...captions, anchorAt: before.capturedAt },
        };
      },
    };
  }
}

function together(parsed: ParsedMessage, preset: Preset, before: Anchor, now: Anchor): CaptionPlan {
  return {
    prompt: preset.prompt,
    requests: [plannedRequest(parsed, preset, [before.picture, now.picture])],
    parse: (results) => {
      const { payload, caption } = preset.parse(results[0] as never);
      return { payload, caption: { ...caption, anchorAt: before.capturedAt } };
    },
  };
}

/** Copies the picture: the message's bytes may be part of a larger buffer, or be changed by other nodes. */
function anchorOf(picture: Uint8Array, capturedAt = new Date().toISOString()): Anchor {
  return { picture: Uint8Array.from(picture), capturedAt };
}
