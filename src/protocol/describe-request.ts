import type { Polygon, Rectangle } from '../system/picture-shapes';
import type { AnswerOptions } from './answer-options';
import type { CpuPrecision } from './models/conversion-choices';
import type { AnswerSchema } from './schema/answer-schema';

/** How a picture is split into tiles: `low` = one tile, `full` = the image processor's own splitting. */
export const details = ['low', 'full'] as const;
export type Detail = (typeof details)[number];

/** What happens to a camera's waiting frames when its queue is full. */
export const queuePolicies = ['newest', 'oldest', 'reject'] as const;
export type QueuePolicy = (typeof queuePolicies)[number];

export type MessagePart = { readonly type: 'text'; readonly text: string } | { readonly type: 'image' };

/** A message of a conversation; the n-th `image` part stands for the n-th picture of the request. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly MessagePart[];
}

/** What runs the vision tower or the decoder. */
export const backendChoices = ['auto', 'cpu', 'npu'] as const;
export type BackendChoice = (typeof backendChoices)[number];

/** How a model is run; requests that differ here use separately loaded models. */
export interface RuntimeOptions {
  /** `auto` (default): the NPU for an NPU bundle, else the CPU. */
  readonly backend?: BackendChoice;
  /** `auto` (default): the NPU if the bundle has a decoder for it, else the CPU. */
  readonly decoder?: BackendChoice;
  /** For checkpoints, which are prepared for the CPU; the engine's default when absent. */
  readonly precision?: CpuPrecision;
  /** For a folder of shards without a manifest: the checkpoint they were made from, a folder or a hub id. */
  readonly checkpoint?: string;
  /** While another program uses the NPU: use it as well (default), use the CPU, or refuse the request. */
  readonly npuSharing?: NpuSharing;
  /** CPU threads; the engine's default when absent. */
  readonly threads?: number;
  /** Maximum context length in tokens, prompt and answer together. */
  readonly contextLength?: number;
}

/** What to do while another program, such as Frigate's detector, uses the NPU. */
export const npuSharings = ['share', 'cpu', 'refuse'] as const;
export type NpuSharing = (typeof npuSharings)[number];

/**
 * The JSON part of `POST /v1/frames/describe` (form field `request`); the pictures' bytes are the
 * form fields `image`, in order. Either `prompt` (all pictures first, then the text) or `messages`.
 */
export interface DescribeRequest {
  /** Chosen by the client; each id is answered once. */
  readonly id: string;
  /** `caption` (default) ends in an answer; `features` stops after the vision side and ends in handles. */
  readonly task?: 'caption' | 'features';
  /** Ids of handles instead of pictures, in order; they include crop, masks and detail. */
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
  /** Scores these answers instead of generating one; the most likely becomes the text. */
  readonly choices?: readonly string[];
  /** The answer is JSON that matches this schema; not together with `choices` or `stop`. */
  readonly jsonSchema?: AnswerSchema;
  readonly crop?: Rectangle;
  /** Privacy masks, painted black before anything else is done with the pixels. */
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
  /** Time from receipt to the complete answer; after it the request is dropped as `deadline`. */
  readonly deadlineMs?: number;
  /** When the camera took the picture, ISO 8601. */
  readonly capturedAt?: string;
  /** Requests a small JPEG of the first picture, masks and crop applied: its longest side in pixels. */
  readonly thumbnailSide?: number;
  /** Requests `token` events. */
  readonly stream?: boolean;
  /** Set inside the engine only. */
  readonly answer?: AnswerOptions;
}
