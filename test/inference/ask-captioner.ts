import { readFileSync } from 'node:fs';
import { openCaptioner } from '../../src/inference/captioner';
import type { Captioner, InferenceHooks } from '../../src/inference/inference';
import type { DescribeRequest } from '../../src/protocol/describe-request';
import { demoFrame } from '../fixtures';
import { sharedPictures } from './shared-pictures';

/** Hooks of a request that nothing cancels. */
export function hooks(more: Partial<InferenceHooks> = {}): InferenceHooks {
  return {
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onToken: () => undefined,
    ...more,
  };
}

/** One captioner with the demo model for a suite. To be called in its body. */
export function useDemoCaptioner(): () => Captioner {
  let captioner: Captioner;
  before(async function () {
    this.timeout(60_000);
    captioner = await openCaptioner({ model: 'demo', pictures: sharedPictures });
  });
  after(() => captioner.close());
  return () => captioner;
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
