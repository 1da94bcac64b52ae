import { errorBody } from '../errors';
import type { FrameOptions } from '../picture/prepared-frame';
import { prepareFrame } from './prepare-frame';

// The image process: a malformed picture can crash it, and nothing else.

interface Job {
  readonly job: number;
  readonly bytes: Uint8Array;
  readonly options: FrameOptions;
}

process.on('message', ({ job, bytes, options }: Job) => {
  prepareFrame(bytes, options).then(
    (frame) => process.send?.({ job, frame }),
    (error: unknown) => process.send?.({ job, error: errorBody(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
