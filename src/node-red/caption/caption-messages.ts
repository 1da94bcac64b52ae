import type { NodeMessage } from 'node-red';
import type { ErrorBody } from '../../errors';
import { captionProperty, type DroppedProperty, shortened } from '../../protocol/caption-property';
import type { CaptionResult, DropReason } from '../../protocol/events';
import { type CaptionPlan, joinedResult } from './caption-plan';

/** `msg.caption` of the text that stands in for a caption. */
export interface FallbackProperty {
  readonly captionId: string;
  readonly text: string;
  readonly short: string;
  readonly camera?: string;
  /** A drop's reason, mostly `deadline`, or an error's code. */
  readonly fallbackReason: string;
  /** A sentence. */
  readonly reason: string;
  readonly error?: ErrorBody;
}

/** `msg.caption` of a piece of a caption that is being written. */
export interface PieceProperty {
  readonly captionId: string;
  readonly camera?: string;
  /** All that was written so far. */
  readonly partial: string;
  /** The caption is whole; the piece is then empty. */
  readonly done: boolean;
}

/** What can be said of a message's caption whatever becomes of it. */
export interface CaptionHead {
  readonly captionId: string;
  readonly camera?: string;
  /** It comes after a fallback. */
  readonly late?: true;
}

/** The message with its caption. @param results of the call's asks, in order */
export function captionMessage(
  message: NodeMessage,
  head: CaptionHead,
  call: CaptionPlan,
  results: readonly CaptionResult[],
): NodeMessage {
  const { payload, caption } = call.read(results);
  return Object.assign(message, {
    payload,
    caption: { ...captionProperty(joinedResult(results)), prompt: call.prompt, ...caption, ...head },
  });
}

/** The message with the reason why there is no caption; its payload stays the picture. */
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

/** The message with a text in the caption's place. */
export function fallbackMessage(
  message: NodeMessage,
  head: CaptionHead,
  text: string,
  why: { readonly fallbackReason: string; readonly reason: string; readonly error?: ErrorBody },
): NodeMessage {
  const caption: FallbackProperty = { text, short: shortened(text), ...why, ...head };
  return Object.assign(message, { payload: text, caption });
}

/** A small message of its own, with nothing of the original but what tells it apart. */
export function pieceMessage(
  { _msgid, topic }: NodeMessage,
  head: CaptionHead,
  piece: string,
  partial: string,
  done = false,
): NodeMessage {
  const caption: PieceProperty = { partial, done, ...head };
  return {
    ...(_msgid !== undefined && { _msgid }),
    ...(topic !== undefined && { topic }),
    payload: piece,
    caption,
  } as NodeMessage;
}
