import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SmolvlmError } from '../../errors';
import { makeFolder } from '../../system/files/make-folder';

/** In each folder that an installation made or moved: its own name, so that a copy under another name is not ours. */
const markerName = '.smolvlm-version';

/**
 * Makes the folder of a version, empty but for its marker; what an interrupted installation left there is deleted.
 * @throws SmolvlmError `bundle-place` when the folder holds files and was not made by an installation
 */
export async function makeVersionFolder(version: string): Promise<void> {
  const names = await readdir(version).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw foreign(version);
  });
  if (names.length > 0 && !(await isOurs(version))) throw foreign(version);
  await rm(version, { recursive: true, force: true });
  await makeFolder(version);
  await mark(version);
}

/** Moves a bundle that is in the place as a folder to a free name beside it. @returns the new path */
export async function moveAside(place: string): Promise<string> {
  let path = `${place}@before`;
  for (let number = 2; existsSync(path); number++) path = `${place}@before-${number}`;
  await rename(place, path);
  await mark(path);
  return path;
}

/** The folders beside a place that installations made or moved. */
export async function versionFolders(place: string): Promise<readonly string[]> {
  const names = await readdir(dirname(place));
  const paths = names
    .filter((name) => name.startsWith(`${basename(place)}@`))
    .map((name) => join(dirname(place), name));
  const ours = await Promise.all(paths.map(isOurs));
  return paths.filter((_path, index) => ours[index]);
}

async function mark(path: string): Promise<void> {
  await writeFile(join(path, markerName), `${basename(path)}\n`);
}

async function isOurs(path: string): Promise<boolean> {
  const name = await readFile(join(path, markerName), 'utf8').catch(() => '');
  return name.trim() === basename(path);
}

function foreign(path: string): SmolvlmError {
  return new SmolvlmError('bundle-place', `${path} exists and was not made by smolvlm install`, {
    hint: 'Move it away, or install to another place.',
  });
}
