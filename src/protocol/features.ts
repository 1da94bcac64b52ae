import type { Detail } from './describe-request';
import type { FrameResult, Timings } from './frame-result';

/** A name for the features of an encoded picture, which stay in the engine. */
export interface FeatureHandle {
  /** The engine run that keeps them; they are unknown to any other. */
  readonly engine: string;
  /** Given in `features` of a description: stands for picture, crop, masks, detail and loaded model. */
  readonly id: string;
  /** SHA-256 over the decoded, cropped and masked pixels, hex. */
  readonly frameHash: string;
  readonly detail: Detail;
  /** ISO 8601. Valid until then, for longer when it is used again, for less time when memory is short. */
  readonly expires: string;
}

/** The result of `task: 'features'`. */
export interface FeaturesResult extends FrameResult {
  /** One per picture, in order. */
  readonly handles: readonly FeatureHandle[];
  readonly timingsMs: Pick<Timings, 'image' | 'vision' | 'total'>;
}

/** Error code: the features of a handle are no longer cached; the picture must be sent. */
export const featuresGone = 'features-gone';
