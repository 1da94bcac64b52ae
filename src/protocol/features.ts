import type { ErrorBody } from '../errors';
import type { Detail } from './describe-request';
import type { Timings, VisionTimings } from './events';

/** What an engine keeps of a picture it has seen, by name; the features themselves never leave it. */
export interface FeatureHandle {
  /** The engine run that keeps them; another one does not know them. */
  readonly engine: string;
  /** What a description says in `features`: stands for picture, crop, masks, detail and loaded model. */
  readonly id: string;
  /** SHA-256 over the decoded, cropped and masked pixels, hex. */
  readonly frameHash: string;
  readonly detail: Detail;
  /** ISO 8601. Not kept beyond this unless asked about again; memory may run out before. */
  readonly expires: string;
}

/** What the engine answers for `task: 'features'`. */
export interface FeaturesResult {
  /** One a picture, in their order. */
  readonly handles: readonly FeatureHandle[];
  readonly tiles: number;
  readonly timingsMs: Pick<Timings, 'image' | 'vision' | 'total'>;
  /** Absent when all features were there already. */
  readonly vision?: VisionTimings;
  readonly queuedMs: number;
  readonly model: string;
  /** What makes features, e.g. `rknn fp16`, `onnxruntime int8`. */
  readonly backend: string;
  /** Why the CPU saw the frame, where the NPU should have. */
  readonly fallback?: ErrorBody;
  /** The engine had seen all the pictures before. */
  readonly cached: boolean;
  /** As in `CaptionResult`. */
  readonly frameHash: string;
  /** JPEG in base64, where the request asked for one. */
  readonly thumbnail?: string;
  readonly camera?: string;
  readonly capturedAt?: string;
}

/** The engine does not hold what a handle names; the picture must be sent. */
export const featuresGone = 'features-gone';
