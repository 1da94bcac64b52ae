import type { Rectangle } from '../system/rectangle';
import type { AnswerSchema } from './answer-schema';

/** How many image pieces the model looks at: `low` = one tile, `full` = the processor's own splitting. */
export type Detail = 'low' | 'full';

/** What happens to a camera's waiting frames when its queue is full. */
export type QueuePolicy = 'newest' | 'oldest' | 'reject';

/** Corner points as fractions of the upright picture, at least three. */
export type Polygon = readonly (readonly [x: number, y: number])[];

export type MessagePart = { readonly type: 'text'; readonly text: string } | { readonly type: 'image' };

/** A turn of a conversation; the n-th `image` part stands for the n-th picture of the request. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly MessagePart[];
}

/** How a model is run; two requests that differ here use two loaded models. */
export interface RuntimeOptions {
  /** `auto` (default): the NPU for an NPU bundle, else the CPU. */
  readonly backend?: 'auto' | 'cpu' | 'npu';
  /** `auto` (default): what the bundle brings. */
  readonly decoder?: 'auto' | 'cpu' | 'npu';
  /** Of a checkpoint prepared for the CPU; the engine's default when absent. */
  readonly precision?: 'float32' | 'int8' | 'int4';
  /** CPU threads; the engine's default when absent. */
  readonly threads?: number;
  /** Longest context in tokens, prompt and answer together. */
  readonly contextLength?: number;
}

/**
 * The JSON part of `POST /v1/frames/describe` (form field `request`); the pictures' bytes are the
 * form fields `image`, in order. Either `prompt` (all pictures first, then the text) or `messages`.
 */
export interface DescribeRequest {
  /** Chosen by the client; the engine answers an id once. */
  readonly id: string;
  /** `features` stops after the vision side and ends in handles; `caption` (default) in an answer. */
  readonly task?: 'caption' | 'features';
  /** Ids of handles in place of pictures, in their order; crop, masks and detail are already in them. */
  readonly features?: readonly string[];
  /** Bundle or checkpoint folder, or hub id; the engine's default when absent. */
  readonly model?: string;
  readonly runtime?: RuntimeOptions;
  /** Queue key: frames of one camera share a bounded queue. */
  readonly camera?: string;
  readonly prompt?: string;
  readonly messages?: readonly ChatMessage[];
  readonly detail?: Detail;
  readonly maxNewTokens?: number;
  /** 0 = greedy (default). */
  readonly temperature?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  /** Score these answers instead of generating; the best one becomes the text. */
  readonly choices?: readonly string[];
  /** The answer is JSON that fits this schema; not together with `choices` or `stop`. */
  readonly jsonSchema?: AnswerSchema;
  readonly crop?: Rectangle;
  /** Privacy polygons, painted black before anything else sees the pixels. */
  readonly masks?: readonly Polygon[];
  readonly queue?: {
    readonly policy?: QueuePolicy;
    readonly capacity?: number;
    /** Requests of one camera in different groups do not replace each other: several questions about one frame. */
    readonly group?: string;
  };
  /** Higher runs first; 0 by default. */
  readonly priority?: number;
  /** A frame waiting longer than this is dropped as `expired`. */
  readonly maxAgeMs?: number;
  /** Time allowed from receipt to the whole answer; past it the request is dropped as `deadline`. */
  readonly deadlineMs?: number;
  /** ISO 8601; when the camera took the picture. */
  readonly capturedAt?: string;
  /** Ask for a small JPEG of the first picture, as the model was allowed to see it: its longest side in pixels. */
  readonly thumbnailSide?: number;
  /** Ask for `token` events. */
  readonly stream?: boolean;
}
