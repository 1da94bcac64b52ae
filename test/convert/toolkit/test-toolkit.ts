import { homedir } from 'node:os';
import { join } from 'node:path';
import { prepareToolkitEnvironment } from '../../../src/convert/toolkit/toolkit-environment';
import type { Toolkit } from '../../../src/convert/toolkit/toolkit-worker';
import { defaultToolkit, type ToolkitVersion } from '../../../src/protocol/models/conversion-choices';

/** Kept between runs, separate from the user's own cache: making it takes half a minute. */
export function testToolkitFolder(version: ToolkitVersion = defaultToolkit): string {
  return join(homedir(), '.cache', 'smolvlm-test', `rknn-toolkit2-${version}`);
}

/** The toolkit in the tests' environment, which is made if it does not exist yet. */
export function testToolkit(version: ToolkitVersion = defaultToolkit): Promise<Toolkit> {
  return prepareToolkitEnvironment({ version, dir: testToolkitFolder(version) });
}
