import { homedir } from 'node:os';
import { join } from 'node:path';
import { prepareToolkitEnvironment } from '../../src/convert/toolkit-environment';
import { toolkitVersion } from '../../src/convert/toolkit-worker';

/** Kept between runs, beside no cache of a person's own: making it takes half a minute. */
export const testToolkitFolder = join(homedir(), '.cache', 'smolvlm-test', `rknn-toolkit2-${toolkitVersion}`);

/** The interpreter of the tests' environment, which is made when it is not there yet. */
export function testToolkit(): Promise<string> {
  return prepareToolkitEnvironment(testToolkitFolder);
}
