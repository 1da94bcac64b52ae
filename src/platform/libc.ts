import { defined } from '../system/defined';
import type { SystemFiles } from './recording/system-files';

export interface Libc {
  readonly kind: 'glibc' | 'musl' | 'unknown';
  readonly version?: string;
}

/** The C library of this process, by the files mapped into it, else by the files in /lib. */
export function libcOf(files: SystemFiles): Libc {
  const maps = '/proc/self/maps';
  const musl = files.match(maps, /(\/\S*ld-musl-\S+)$/m)?.[1];
  if (musl !== undefined) return { kind: 'musl' };
  const glibc =
    files.match(maps, /(\/\S*libc\.so\.6)$/m)?.[1] ?? files.match(maps, /(\/\S*libc-2\.\d+\.so)$/m)?.[1];
  if (glibc !== undefined) {
    const version = files.match(glibc, /GNU C Library [^\n]*version (\d+\.\d+)/)?.[1];
    return { kind: 'glibc', ...defined({ version }) };
  }
  if (files.names('/lib').some((name) => name.startsWith('ld-musl-')) && files.has('/etc/alpine-release')) {
    return { kind: 'musl' };
  }
  return { kind: 'unknown' };
}
