import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const loaded = versionOnDisk();

/** The version of this package's code in this process. */
export function packageVersion(): string {
  return loaded;
}

/** The version on disk now, another one after an update; the path is that of the compiled file in dist/src. */
export function versionOnDisk(): string {
  const text = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');
  const { version }: { version: string } = JSON.parse(text);
  return version;
}

/** Whether a version is older than another; a pre-release is older than its release. Unreadable ones are not. */
export function isOlderVersion(version: string, than: string): boolean {
  const [a, b] = [parsed(version), parsed(than)];
  if (!a || !b) return false;
  for (const part of [0, 1, 2] as const)
    if (a.numbers[part] !== b.numbers[part]) return (a.numbers[part] ?? 0) < (b.numbers[part] ?? 0);
  if (a.preRelease === '' || b.preRelease === '') return a.preRelease !== '' && b.preRelease === '';
  return a.preRelease.localeCompare(b.preRelease, 'en', { numeric: true }) < 0;
}

function parsed(
  version: string,
): { readonly numbers: readonly number[]; readonly preRelease: string } | undefined {
  const [, core, preRelease = ''] = /^(\d+\.\d+\.\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/.exec(version) ?? [];
  return core === undefined ? undefined : { numbers: core.split('.').map(Number), preRelease };
}
