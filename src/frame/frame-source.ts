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
  /** It continues to try by itself. */
  readonly onTrouble: (error: SmolvlmError) => void;
}

/** Where a camera's pictures come from. */
export interface FrameSource {
  /** Gives a picture now, beside its own rhythm: a new snapshot, or a stream's newest. */
  take(): void;
  close(): void;
}
