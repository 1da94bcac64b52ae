import type { CameraField } from '../message-camera';
import type { PictureField } from '../message-pictures';
import type { RequestDialog, RequestOverrides } from '../request-settings';

/** The dialog of `smolvlm-caption`, as Node-RED hands it over. */
export interface CaptionDialog extends PictureField, CameraField, RequestDialog {
  /** Absent in flows from before there were presets: then it is `ask`, with the choices given. */
  readonly preset?: string;
  readonly prompt?: string;
  readonly promptType?: string;
  readonly language?: string;
  readonly choices?: string;
  /** Probability, 0 … 1. */
  readonly minConfidence?: string | number;
  /** JSON Schema, as text. */
  readonly schema?: string;
  readonly jsonBy?: string;
  readonly anchor?: string;
  readonly compare?: string;
  readonly fallback?: string;
  readonly fallbackAlways?: boolean;
  readonly late?: boolean;
  readonly stream?: boolean;
}

/** What a message may say where the dialog's field is blank. */
export interface CaptionOverrides extends RequestOverrides {
  readonly prompt?: unknown;
  readonly camera?: unknown;
  readonly topic?: unknown;
  readonly language?: unknown;
  readonly choices?: unknown;
  readonly fallback?: unknown;
  /** True: this frame is what later ones are compared with. */
  readonly anchor?: unknown;
  /** The pictures that a smolvlm-vision node has encoded. */
  readonly features?: unknown;
}
