import { types } from 'node:util';
import type { NodeMessage } from 'node-red';
import type { ErrorBody } from '../../errors';
import { captionProperty, type DroppedProperty, shortened } from '../../protocol/caption-property';
import type { CaptionResult, DropReason } from '../../protocol/events';
import { defined } from '../../system/defined';
import { type CaptionPlan, joinedResult } from './caption-plan';

/** `msg.caption` of a fallback text. */
export interface FallbackProperty {
  readonly captionId: string;
  readonly text: string;
  readonly short: string;
  readonly camera?: string;
  /** The reason of a drop, usually `deadline`, or the code of an error. */
  readonly fallbackReason: string;
  /** A sentence. */
  readonly reason: string;
  readonly error?: ErrorBody;
}

/** `msg.caption` of one piece of a streamed caption. */
export interface PieceProperty {
  readonly captionId: string;
  readonly camera?: string;
  /** All text generated so far. */
  readonly partial: string;
  /** True for the last message, whose piece is empty. */
  readonly done: boolean;
}

/** Fields of `msg.caption` that every outcome has. */
export interface CaptionHead {
  readonly captionId: string;
  readonly camera?: string;
  /** Set if a fallback was sent before. */
  readonly late?: true;
}

/** The message with its caption. @param results one per request of the plan, in order */
export function captionMessage(
  message: NodeMessage,
  head: CaptionHead,
  plan: CaptionPlan,
  results: readonly CaptionResult[],
): NodeMessage {
  const { payload, caption } = plan.parse(results);
  return Object.assign(message, {
    ...describedPicture(message),
    payload,
    caption: { ...captionProperty(joinedResult(results)), prompt: plan.prompt, ...caption, ...head },
  });
}

/** The message with the reason for the missing caption; its payload remains the picture. */
export function droppedMessage(
  message: NodeMessage,
  head: CaptionHead,
  dropped: DropReason | 'anchor-set',
  reason: string,
  prompt: string,
): NodeMessage {
  const caption: DroppedProperty = { text: null, dropped, reason, prompt, ...head };
  return Object.assign(message, { caption });
}

/** The message with a fallback text in place of the caption. */
export function fallbackMessage(
  message: NodeMessage,
  head: CaptionHead,
  text: string,
  why: { readonly fallbackReason: string; readonly reason: string; readonly error?: ErrorBody },
): NodeMessage {
  const caption: FallbackProperty = { text, short: shortened(text), ...why, ...head };
  return Object.assign(message, { ...describedPicture(message), payload: text, caption });
}

/** The picture that the caption replaces in the payload: it goes on in `msg.picture`, unless that is used already. */
function describedPicture({ payload, picture }: NodeMessage & { readonly picture?: unknown }): {
  readonly picture?: Uint8Array;
} {
  // A function node's own Uint8Array is of another realm: `instanceof` does not find it.
  return types.isUint8Array(payload) && picture === undefined ? { picture: payload } : {};
}

/** A new small message with only the id and topic of the original. */
export function pieceMessage(
  { _msgid, topic }: NodeMessage,
  head: CaptionHead,
  piece: string,
  partial: string,
  done = false,
): NodeMessage {
  const caption: PieceProperty = { partial, done, ...head };
  return {
    ...defined({ _msgid, topic }),
    payload: piece,
    caption,
  } as NodeMessage;
}
