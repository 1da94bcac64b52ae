import { readFileSync } from 'node:fs';
import type { Captioner, InferenceHooks } from '../../src/inference/inference';
import type { DescribeRequest } from '../../src/protocol/describe-request';
import { demoFrame } from '../fixtures';

/** Hooks of a request that nothing cancels. */
export function hooks(more: Partial<InferenceHooks> = {}): InferenceHooks {
  return {
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onToken: () => undefined,
    ...more,
  };
}

/** Asks about a frame of the demo. */
export function ask(
  captioner: Captioner,
  frame: string,
  request: Partial<DescribeRequest>,
  more?: Partial<InferenceHooks>,
) {
  return captioner.describe([readFileSync(demoFrame(frame))], { id: 'test', ...request }, hooks(more));
}
