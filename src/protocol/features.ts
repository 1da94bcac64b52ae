import type { Detail } from './describe-request';
import type { FrameResult, Timings } from './frame-result';

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
export interface FeaturesResult extends FrameResult {
  /** One a picture, in their order. */
  readonly handles: readonly FeatureHandle[];
  readonly timingsMs: Pick<Timings, 'image' | 'vision' | 'total'>;
}

/** The engine does not hold what a handle names; the picture must be sent. */
export const featuresGone = 'features-gone';
