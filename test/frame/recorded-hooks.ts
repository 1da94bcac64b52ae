import { setTimeout as delay } from 'node:timers/promises';
import type { SmolvlmError } from '../../src/errors';
import type { SourceFrame, SourceHooks } from '../../src/frame/frame-source';

/** What a source reports, to be waited for. */
export class RecordedHooks implements SourceHooks {
  readonly frames: SourceFrame[] = [];
  readonly troubles: SmolvlmError[] = [];
  /** Reported a short time before, too. */
  readonly knownTroubles: SmolvlmError[] = [];
  connections = 0;
  onFrame = (frame: SourceFrame): void => void this.frames.push(frame);
  onConnected = (): void => void this.connections++;
  onTrouble = (error: SmolvlmError, isKnown: boolean): void => {
    (isKnown ? this.knownTroubles : this.troubles).push(error);
  };

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await delay(5);
  }
}
