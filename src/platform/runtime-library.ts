import { posix } from 'node:path';
import { type FindingText, phrase } from '../protocol/findings/finding-phrase';
import { defined } from '../system/defined';
import type { SystemFiles } from './recording/system-files';

/** The vendor's runtimes: `rknn` runs vision stages, `rkllm` the decoder. */
export type RuntimeKind = 'rknn' | 'rkllm';

interface RuntimeFile {
  readonly name: string;
  /** Environment variable with the path of the only one to load. */
  readonly variable: string;
  /** The line that the library prints when it starts; the file contains its text. */
  readonly version: RegExp;
}

const runtimes: Readonly<Record<RuntimeKind, RuntimeFile>> = {
  rknn: {
    name: 'librknnrt.so',
    variable: 'SMOLVLM_RKNN_LIBRARY',
    version: /librknnrt version: (\d+\.\d+\.\d+\w*)/,
  },
  rkllm: {
    name: 'librkllmrt.so',
    variable: 'SMOLVLM_RKLLM_LIBRARY',
    version: /rkllm-runtime version: (\d+\.\d+\.\d+\w*)/,
  },
};

/** Folders in which the vendor's packages and distributions install libraries. */
const libraryFolders = ['/usr/lib', '/usr/lib64', '/usr/lib/aarch64-linux-gnu', '/usr/local/lib'];

/** e_machine of the ELF header by `process.arch`. */
const elfMachines: Readonly<Record<string, number>> = { arm64: 0xb7, x64: 0x3e };

/** EI_CLASS of a 64-bit ELF file. */
const elfClass64 = 2;

export interface RuntimeLibrary {
  readonly path: string;
  /** `x.y.z` from the file's text; undefined when it is not found there. */
  readonly version?: string;
  /** Why it cannot be loaded, e.g. because it is a git-lfs pointer file. */
  readonly fault?: FindingText;
}

/** Environment variable with the path of the library of a kind. */
export function runtimeVariable(kind: RuntimeKind): string {
  return runtimes[kind].variable;
}

/**
 * Finds the libraries of a kind on this machine; the first is the one to load. A file to which several links lead is
 * listed once. No library is loaded: versions are read from the files' bytes.
 * @param given path of the only one to use; default: the environment variable's value
 */
export function findRuntimeLibraries(
  files: SystemFiles,
  kind: RuntimeKind,
  given = files.process.environment[runtimes[kind].variable],
): readonly RuntimeLibrary[] {
  const { name } = runtimes[kind];
  if (given !== undefined) return [describeLibrary(files, kind, given)];
  const loaderPath = files.process.environment.LD_LIBRARY_PATH?.split(':').filter(posix.isAbsolute) ?? [];
  const seen = new Set<string>();
  const found: RuntimeLibrary[] = [];
  for (const folder of [...loaderPath, ...libraryFolders]) {
    const path = posix.join(folder, name);
    const real = files.realPath(path);
    if (seen.has(real) || !files.has(path)) continue;
    seen.add(real);
    found.push(describeLibrary(files, kind, path));
  }
  return found;
}

function describeLibrary(files: SystemFiles, kind: RuntimeKind, path: string): RuntimeLibrary {
  const fault = libraryFault(files, path);
  if (fault !== undefined) return { path, fault };
  const version = files.match(path, runtimes[kind].version)?.[1];
  return { path, ...defined({ version }) };
}

function libraryFault(files: SystemFiles, path: string): FindingText | undefined {
  if (!files.has(path)) return phrase('libraryAbsent');
  if (files.denied(path)) return phrase('libraryDenied');
  // Before the shorter match: a recording keeps what is matched.
  const end = elfEnd(files.match(path, /^\x7fELF[\s\S]{60}/)?.[0]);
  // ELF header: magic, then e_machine at byte 18, little endian.
  const machine = files.match(path, /^\x7fELF[\s\S]{14}([\s\S])/)?.[1]?.charCodeAt(0);
  if (machine === undefined) return phrase('notLibrary');
  const { arch } = files.process;
  if (machine !== elfMachines[arch]) return phrase('libraryOfOtherArch', { arch });
  const size = files.sizeBytes(path);
  if (end === undefined || size === undefined || size >= end) return undefined;
  return phrase('libraryCut', { size, end });
}

/** Where the section headers of a 64-bit ELF file end, which are its last part. @param header 64 characters, as latin-1 */
function elfEnd(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const bytes = Buffer.from(header, 'latin1');
  if (bytes[4] !== elfClass64) return undefined;
  const [sizeBytes, count] = [bytes.readUInt16LE(0x3a), bytes.readUInt16LE(0x3c)];
  return Number(bytes.readBigUInt64LE(0x28)) + sizeBytes * count;
}
