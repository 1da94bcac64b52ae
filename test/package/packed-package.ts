import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after } from 'mocha';
import { repositoryRoot } from '../fixtures';

/** What `npm publish` would upload. */
export interface PackedPackage {
  readonly file: string;
  readonly sizeBytes: number;
  /** Paths inside the package. */
  readonly entries: readonly string[];
}

let packed: Promise<PackedPackage> | undefined;
const folder = join(tmpdir(), `smolvlm-test-packed-${process.pid}`);

// At the top level: after the last suite of the run.
after(() => rmSync(folder, { recursive: true, force: true }));

/** Packs the built tree, once for all suites of the run. */
export function packedPackage(): Promise<PackedPackage> {
  packed ??= pack();
  return packed;
}

async function pack(): Promise<PackedPackage> {
  mkdirSync(folder, { recursive: true });
  // The tree is built already, and building it again would change it under the tests that run: only the rest of prepack.
  await promisify(execFile)(process.execPath, [join(repositoryRoot, 'scripts/prepack.mjs')]);
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const maxBuffer = 16 * 1024 * 1024;
  const { stdout } = await promisify(execFile)('npm', args, { cwd: repositoryRoot, maxBuffer });
  const [report] = JSON.parse(stdout) as [{ filename: string; size: number; files: { path: string }[] }];
  return {
    file: join(folder, report.filename),
    sizeBytes: report.size,
    entries: report.files.map(({ path }) => path),
  };
}

/** A folder of the suite's own. To be called in the suite's body. @returns its path */
export function useSuiteFolder(): string {
  const suiteFolder = mkdtempSync(join(tmpdir(), 'smolvlm-test-package-'));
  after(() => rmSync(suiteFolder, { recursive: true, force: true }));
  return suiteFolder;
}
