import type { CaptionResult, DropReason } from './events';

/** Home Assistant's limit for the state of an entity. */
const stateCharacters = 255;

/** A result as in `msg.caption` and the MQTT attributes topic. */
export interface CaptionProperty {
  readonly text: string;
  /** At most 255 characters. */
  readonly short: string;
  readonly camera?: string;
  readonly prompt: string;
  /** The parsed answer, if JSON was requested. */
  readonly json?: unknown;
  readonly choices?: CaptionResult['choices'];
  readonly confidence?: number;
  readonly capturedAt?: string;
  readonly timingsMs: CaptionResult['timingsMs'];
  readonly queuedMs: number;
  readonly model: string;
  readonly backend: string;
  /** Why the CPU was used instead of the NPU. */
  readonly fallback?: CaptionResult['fallback'];
  /** Time of each stage, and share of each NPU core. */
  readonly vision?: CaptionResult['vision'];
  readonly cached: boolean;
  readonly frameHash: string;
  readonly tiles: number;
  readonly finishReason: CaptionResult['finishReason'];
}

/** `msg.caption` of a frame that was not described. */
export interface DroppedProperty {
  readonly text: null;
  /** `anchor-set`: the frame became the anchor that later frames are compared with. */
  readonly dropped: DropReason | 'anchor-set';
  readonly reason: string;
  readonly camera?: string;
  readonly prompt: string;
}

export function captionProperty(result: CaptionResult): CaptionProperty {
  const { text, tokenIds: _ids, promptTokens: _count, thumbnail: _small, ...rest } = result;
  return { text, short: shortened(text), ...rest };
}

/** Cut at a word, with an ellipsis. */
export function shortened(text: string, limit = stateCharacters): string {
  const characters = [...text];
  if (characters.length <= limit) return text;
  const cut = characters.slice(0, limit - 1).join('');
  const word = cut.lastIndexOf(' ');
  return `${cut.slice(0, word > limit / 2 ? word : undefined).trimEnd()}…`;
}
