import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { observedVariables, type ProcessFacts } from './system-recording';

/** Optional packages with native code: without them a machine has no CPU or no NPU backend. */
const nativePackages = ['onnxruntime-node', 'koffi'] as const;

/** What this process knows of itself without reading the machine's files. */
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
  // A secret: that it is there says where this runs.
  if (process.env.SUPERVISOR_TOKEN) environment.SUPERVISOR_TOKEN = 'set';
  const uid = process.getuid?.() ?? 0;
  return { arch, platform, nodeVersion: versions.node, uid, packages, environment };
}

/** Version of a package that this one would load, found as Node finds it but without loading any of it. */
function installedVersion(name: string): string | undefined {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    try {
      const text = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
      const { version }: { version?: unknown } = JSON.parse(text);
      return typeof version === 'string' ? version : undefined;
    } catch {
      if (folder === dirname(folder)) return undefined;
    }
  }
}
