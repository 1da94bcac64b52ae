import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { access, readdir, readFile, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { SmolvlmError } from '../../../errors';
import { cacheFolder } from '../../../model/cache-folder';
import { makeFolder } from '../../../system/files/make-folder';
import { packageFile } from '../../../system/files/package-file';

const sources = packageFile('test', 'emulator');

const flags: readonly string[] = [
  ...['-std=c11', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared'],
  // Allows vectorised sums.
  ...['-O3', '-fno-math-errno', '-fno-trapping-math', '-fno-signed-zeros', '-fassociative-math'],
];

export interface EmulatorBuild {
  /** `#define`s, e.g. `EMULATOR_VERSION: '"2.3.2"'`. */
  readonly defines?: Readonly<Record<string, string>>;
  readonly compiler?: string;
  /** Compiled with the address and undefined-behaviour sanitizers. */
  readonly sanitize?: boolean;
}

/**
 * Compiles a stand-in for a vendor library from the C sources in a clone of this project, once for the same sources
 * and options.
 * @param name its folder below `test/emulator`
 * @returns the shared library @throws SmolvlmError `emulator-source` outside a clone, `emulator-compile`
 */
export async function buildEmulator(name: 'rknn' | 'rkllm', options: EmulatorBuild = {}): Promise<string> {
  const { defines = {}, compiler = process.env.CC || 'cc', sanitize = false } = options;
  const folder = join(sources, name);
  const files = [...(await sourcesIn(folder)), ...(await sourcesIn(sources))];
  if (files.length === 0) {
    throw new SmolvlmError('emulator-source', `the emulator's sources are not at ${folder}`, {
      hint: 'They are in the project’s repository, not in the installed package: run this in a clone.',
    });
  }
  const hash = createHash('sha256').update(
    JSON.stringify([compiler, flags, defines, sanitize, process.arch]),
  );
  for (const file of files) hash.update(basename(file)).update(await readFile(file));
  const dir = join(cacheFolder(), 'emulator');
  const library = join(dir, `lib${name}rt-${hash.digest('hex').slice(0, 16)}.so`);
  const built = await access(library).then(
    () => true,
    () => false,
  );
  if (built) return library;
  await makeFolder(dir);
  const partial = `${library}.${randomUUID()}`;
  const all = { EMULATOR_NAME: `"${name.toUpperCase()}"`, ...defines };
  const given = Object.entries(all).map(([key, value]) => `-D${key}=${value}`);
  const extra = sanitize ? ['-g', '-fsanitize=address,undefined', '-fno-omit-frame-pointer'] : [];
  const inputs = files.filter((file) => file.endsWith('.c'));
  await compile(compiler, [...flags, ...extra, ...given, '-o', partial, ...inputs, '-lm', '-lpthread']);
  await rename(partial, library);
  return library;
}

/** @returns paths of the C files directly in a folder; none if the folder does not exist */
async function sourcesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => /\.[ch]$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

async function compile(compiler: string, args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(compiler, args);
  } catch (cause) {
    const { code, stderr } = cause as NodeJS.ErrnoException & { stderr?: string };
    if (code === 'ENOENT') {
      throw new SmolvlmError('emulator-compile', `there is no C compiler "${compiler}"`, {
        hint: 'Install one (Debian: gcc libc6-dev), or set CC.',
        cause,
      });
    }
    throw new SmolvlmError('emulator-compile', `${compiler} failed: ${stderr?.slice(0, 2000)}`, { cause });
  }
}
