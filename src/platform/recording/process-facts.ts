import { installedVersion } from '../../system/installed-version';
import { observedVariables, type ProcessFacts } from './system-recording';

/** Optional packages with native code: the CPU and the NPU backend need them. */
const nativePackages = ['onnxruntime-node', 'koffi'] as const;

/** Facts about this process that need none of the machine's files. */
export function liveProcess(): ProcessFacts {
  const { arch, platform, versions } = process;
  const packages: Record<string, string> = {};
  for (const name of nativePackages) {
    const version = installedVersion(name);
    if (version !== undefined) packages[name] = version;
  }
  const environment: Record<string, string> = {};
  for (const name of observedVariables) {
    const value = process.env[name];
    if (value !== undefined && value !== '') environment[name] = value;
  }
  // Its value is a secret; that it is set shows where this process runs.
  if (process.env.SUPERVISOR_TOKEN) environment.SUPERVISOR_TOKEN = 'set';
  const uid = process.getuid?.() ?? 0;
  return { arch, platform, nodeVersion: versions.node, uid, packages, environment };
}
