import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SystemFiles } from '../../../src/platform/recording/system-files';
import { recordingName, type SystemRecording } from '../../../src/platform/recording/system-recording';

const facts: SystemRecording['process'] = {
  arch: 'arm64',
  platform: 'linux',
  nodeVersion: '22.21.0',
  uid: 1000,
  packages: {},
  environment: {},
};

/** A recorded machine of which only the given parts exist, in a folder that the test owns. */
export function recordedTree(
  folder: string,
  parts: Partial<Omit<SystemRecording, 'process'>> & {
    readonly process?: Partial<SystemRecording['process']>;
  },
): SystemFiles {
  const recording = { ...parts, process: { ...facts, ...parts.process } };
  writeFileSync(join(folder, recordingName), JSON.stringify(recording));
  return new SystemFiles(folder);
}
