import { installedVersion } from '../../system/installed-version';
import { observedVariables, type ProcessFacts } from './system-recording';

/** Optional packages of package.json. */
export const optionalPackages = [
  '@nats-io/jetstream',
  '@nats-io/obj',
  '@nats-io/transport-node',
  '@peculiar/x509',
  'bonjour-service',
  'koffi',
  'libsql',
  'onnxruntime-node',
  'prom-client',
  'protobufjs',
  'reflect-metadata',
  'tar',
  'yaml',
] as const;

export type OptionalPackage = (typeof optionalPackages)[number];

/** Facts about this process that need none of the machine's files. */
export function liveProcess(): ProcessFacts {
  const { arch, platform, versions } = process;
  const packages: Record<string, string> = {};
  const missingPackages: string[] = [];
  for (const name of optionalPackages) {
    const version = installedVersion(name);
    if (version === undefined) missingPackages.push(name);
    else packages[name] = version;
  }
  const environment: Record<string, string> = {};
  for (const name of observedVariables) {
    const value = process.env[name];
    if (value !== undefined && value !== '') environment[name] = value;
  }
  // Its value is a secret; that it is set shows where this process runs.
  if (process.env.SUPERVISOR_TOKEN) environment.SUPERVISOR_TOKEN = 'set';
  const uid = process.getuid?.() ?? 0;
  return { arch, platform, nodeVersion: versions.node, uid, packages, missingPackages, environment };
}
