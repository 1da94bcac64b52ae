import type { SmolvlmError } from '../errors';

/** A picture as a source gives it. */
export interface SourceFrame {
  readonly bytes: Uint8Array;
  /** Milliseconds since 1970. */
  readonly capturedAt: number;
  /** The file's, from a folder. */
  readonly name?: string;
}

export interface SourceHooks {
  readonly onFrame: (frame: SourceFrame) => void;
  readonly onConnected: () => void;
  /**
   * A try failed; it continues to try by itself. A picture that was asked for with `take` does not come from this try.
   * @param isKnown the same trouble was reported a short time ago
   */
  readonly onTrouble: (error: SmolvlmError, isKnown: boolean) => void;
}

/** Where a camera's pictures come from. */
export interface FrameSource {
  /**
   * Gives a picture now, beside its own interval: a new snapshot, or a stream's newest. `onFrame` or `onTrouble` is
   * called for it, once for all calls that wait.
   */
  take(): void;
  close(): void;
}
