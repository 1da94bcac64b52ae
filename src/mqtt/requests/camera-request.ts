import type { ErrorBody } from '../../errors';
import type { CaptionProperty } from '../../protocol/caption-property';
import type { DropReason } from '../../protocol/events';
import type { FrigateUpdate } from '../frigate/frigate';
import type { DescribePayload } from './describe-payload';

/** Where the answer goes, by MQTT 5's response topic. */
export interface ReplyAddress {
  readonly topic: string;
  readonly correlationData?: Uint8Array;
}

/** A request that has not ended yet. */
export interface CameraRequest {
  readonly camera: string;
  readonly payload: DescribePayload;
  /** ISO 8601. */
  readonly receivedAt: string;
  readonly reply?: ReplyAddress;
  /** The update from Frigate that caused it. */
  readonly frigate?: FrigateUpdate;
}

/** What became of a published picture that the broker does not take as it is. */
export type PictureNote = 'shrunk' | 'omitted';

/** The answer's JSON: on the attributes topic, or only for the client that asked. */
export interface AnswerAttributes extends CaptionProperty {
  readonly camera: string;
  readonly picture?: PictureNote;
  /** Of the request. */
  readonly id?: string;
  readonly label?: string;
  readonly frigate?: FrigateUpdate;
}

/** How a request ended. */
export type CameraAnswer =
  | {
      readonly kind: 'caption';
      readonly attributes: AnswerAttributes;
      /** The described bytes; absent where the request masks or crops them, or pictures are not published. */
      readonly picture?: Uint8Array;
    }
  | { readonly kind: 'dropped'; readonly reason: DropReason; readonly message: string }
  | { readonly kind: 'error'; readonly error: ErrorBody };
