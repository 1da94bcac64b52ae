/** The dialog of `smolvlm-caption`, as Node-RED hands it over. */
export interface CaptionDialog {
  /** Absent in flows from before there were presets: then it is `ask`, with the choices given. */
  readonly preset?: string;
  readonly image?: string;
  readonly imageType?: string;
  readonly prompt?: string;
  readonly promptType?: string;
  readonly camera?: string;
  readonly cameraType?: string;
  readonly language?: string;
  readonly choices?: string;
  /** Probability, 0 … 1. */
  readonly minConfidence?: string | number;
  /** JSON Schema, as text. */
  readonly schema?: string;
  readonly jsonBy?: string;
  readonly anchor?: string;
  readonly compare?: string;
  readonly detail?: string;
  readonly maxTokens?: string | number;
  /** Seconds. */
  readonly deadline?: string | number;
  readonly fallback?: string;
  readonly fallbackAlways?: boolean;
  readonly late?: boolean;
  readonly stream?: boolean;
  readonly queuePolicy?: string;
}

/** What a message may say where the dialog's field is blank. */
export interface CaptionOverrides {
  readonly prompt?: unknown;
  readonly camera?: unknown;
  readonly topic?: unknown;
  readonly language?: unknown;
  readonly maxTokens?: unknown;
  readonly choices?: unknown;
  /** Seconds. */
  readonly deadline?: unknown;
  readonly fallback?: unknown;
  readonly priority?: unknown;
  readonly capturedAt?: unknown;
  /** True: this frame is what later ones are compared with. */
  readonly anchor?: unknown;
  /** The pictures that a smolvlm-vision node has encoded. */
  readonly features?: unknown;
}
