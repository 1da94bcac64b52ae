import type { ErrorBody } from '../errors';
import type { CaptionProperty } from '../protocol/caption-property';
import type { DropReason } from '../protocol/events';
import type { DescribePayload } from './describe-payload';
import type { FrigateUpdate } from './frigate/frigate';

/** Where the asker wants the answer, by MQTT 5's response topic. */
export interface ReplyAddress {
  readonly topic: string;
  readonly correlationData?: Uint8Array;
}

/** A request on its way. */
export interface CameraRequest {
  readonly camera: string;
  readonly payload: DescribePayload;
  /** ISO 8601. */
  readonly receivedAt: string;
  readonly reply?: ReplyAddress;
  /** The update of Frigate's that caused it. */
  readonly frigate?: FrigateUpdate;
}

/** The answer's JSON: on the attributes topic, or for the asker alone. */
export interface AnswerAttributes extends CaptionProperty {
  readonly camera: string;
  /** The request's own. */
  readonly id?: string;
  readonly label?: string;
  readonly frigate?: FrigateUpdate;
}

/** How a request ended. */
export type CameraAnswer =
  | {
      readonly kind: 'caption';
      readonly attributes: AnswerAttributes;
      /** The bytes that were described; absent where nobody else may see them whole. */
      readonly picture?: Uint8Array;
    }
  | { readonly kind: 'dropped'; readonly reason: DropReason; readonly message: string }
  | { readonly kind: 'error'; readonly error: ErrorBody };
