import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { withFileLock } from '../../src/system/lock/file-lock';
import type { NodeRedProgram } from './node-red-process';

/** The Node.js that runs the tests, and the Node-RED among the development dependencies. */
export const thisRuntime: TestRuntime = { node: process.versions.node, nodeRed: '4' };

/** Newest of each major version on the package registry when this was written. */
const node22 = '22.23.3';
const node24 = '24.21.0';
export const newestNode = '26.12.1';
export const nodeRed5 = '5.0.7';

/** As the registry describes it. */
export const newestNodeRed = { version: nodeRed5, engines: '>=22.9' } as const;

export interface TestRuntime {
  readonly node: string;
  readonly nodeRed: string;
}

/** The oldest that package.json allows. */
export const leastRuntime: TestRuntime = { node: '20.9.0', nodeRed: '4.0.0' };

/** What `npm run test:oracles` installs into, beside this one; Node-RED 5 needs Node 22.9. */
export const otherRuntimes: readonly TestRuntime[] = [
  { node: node22, nodeRed: thisRuntime.nodeRed },
  { node: node22, nodeRed: nodeRed5 },
  { node: node24, nodeRed: thisRuntime.nodeRed },
  { node: node24, nodeRed: nodeRed5 },
  { node: newestNode, nodeRed: thisRuntime.nodeRed },
  { node: newestNode, nodeRed: nodeRed5 },
];

/** Programs of a runtime, fetched from the package registry on first use and kept between runs. */
export async function programOf({ node, nodeRed }: TestRuntime): Promise<NodeRedProgram> {
  const nodePackage = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const executable =
    node === thisRuntime.node
      ? process.execPath
      : join(await kept(nodePackage, node, ['--force']), nodePackage, 'bin', 'node');
  const red =
    nodeRed === thisRuntime.nodeRed
      ? dirname(require.resolve('node-red/package.json'))
      : join(await kept('node-red', nodeRed), 'node-red');
  return { node: executable, red: join(red, 'red.js') };
}

/** @returns the `node_modules` that holds the package */
function kept(name: string, version: string, flags: readonly string[] = []): Promise<string> {
  return keptPackages(`${name}-${version}`, [`${name}@${version}`], flags);
}

/**
 * Installs packages on first use and keeps them between runs; their install scripts do not run.
 * @param packages as `npm install` takes them, with their versions
 * @returns the `node_modules` that holds them
 */
export async function keptPackages(
  name: string,
  packages: readonly string[],
  flags: readonly string[] = [],
): Promise<string> {
  const folder = join(homedir(), '.cache', 'smolvlm-test', name);
  await mkdir(dirname(folder), { recursive: true });
  await withFileLock(`${folder}.lock`, async () => {
    if (existsSync(folder)) return;
    const partial = `${folder}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial);
    await writeFile(join(partial, 'package.json'), '{"private":true}');
    const args = ['install', ...flags, '--ignore-scripts', '--no-audit', '--no-fund', ...packages];
    await promisify(execFile)('npm', args, { cwd: partial });
    await rename(partial, folder);
  });
  return join(folder, 'node_modules');
}
