import { installedVersion } from '../../system/installed-version';
import { observedVariables, type ProcessFacts } from './system-recording';

/** Optional packages of package.json, each with what it is for. */
export const optionalPackages = {
  '@nats-io/jetstream': 'groups of hubs',
  '@nats-io/obj': 'groups of hubs',
  '@nats-io/transport-node': 'groups of hubs',
  '@peculiar/x509': 'smolvlm certificate',
  'bonjour-service': 'finding and announcing engines',
  koffi: 'the NPU',
  libsql: 'the timeline',
  'onnxruntime-node': 'captions',
  'prom-client': 'GET /metrics',
  protobufjs: 'captions',
  'reflect-metadata': 'smolvlm certificate',
  tar: 'packed bundles',
  yaml: 'smolvlm watch',
} as const;

export type OptionalPackage = keyof typeof optionalPackages;

/** Facts about this process that need none of the machine's files. */
export function liveProcess(): ProcessFacts {
  const { arch, platform, versions } = process;
  const packages: Record<string, string> = {};
  const missingPackages: string[] = [];
  for (const name of Object.keys(optionalPackages)) {
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
