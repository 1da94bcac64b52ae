import { SmolvlmError } from '../errors';
import { installedVersion } from './installed-version';

/** Optional packages without which an engine computes no caption, and the error that its first picture would end with. */
const captionPackages = {
  'onnxruntime-node': 'onnxruntime-unavailable',
  protobufjs: 'protobuf-unavailable',
} as const;

/**
 * An engine on this machine could not describe a picture, because npm has left out an optional package: it does so
 * without a message.
 * @param isInstalled whether a package is there
 */
export function missingPackage(
  isInstalled = (name: string): boolean => installedVersion(name) !== undefined,
): SmolvlmError | undefined {
  for (const [name, code] of Object.entries(captionPackages)) {
    if (isInstalled(name)) continue;
    return new SmolvlmError(
      code,
      `the package ${name} is not installed; an engine on this machine needs it`,
      {
        hint: `npm leaves out an optional package without a message when it cannot install it. Install it where this package is installed: ONNXRUNTIME_NODE_INSTALL=skip npm install ${name}. Or use an engine on another machine.`,
      },
    );
  }
  return undefined;
}
