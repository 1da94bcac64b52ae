import { posix } from 'node:path';
import { readSettings } from '../system/settings';
import { findProgram } from './program-path';
import type { SystemFiles } from './recording/system-files';

/** Minor versions of Python 3 that rknn-toolkit2 has wheels for. */
const minors = { first: 8, last: 12 } as const;

const names = ['python3.12', 'python3.11', 'python3.10', 'python3.9', 'python3.8', 'python3', 'python'];

/**
 * Finds an interpreter for the vendor's toolkit by file names alone: `python3` is a link to `python3.11`.
 * @returns its path; undefined when the PATH has none of a version that the toolkit supports
 */
export function toolkitPython(files: SystemFiles): string | undefined {
  const { python } = readSettings(files.process.environment).convert;
  return findProgram(files, python === undefined ? names : [python], (path) =>
    isSupported(files.realPath(path)),
  );
}

function isSupported(realPath: string): boolean {
  const minor = Number(/^python3\.(\d+)$/.exec(posix.basename(realPath))?.[1]);
  return minor >= minors.first && minor <= minors.last;
}
