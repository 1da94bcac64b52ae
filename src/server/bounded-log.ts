import { fstatSync, ftruncateSync } from 'node:fs';

const checkEveryMs = 60_000;

/**
 * Keeps a log file that this process appends to (native libraries print there too) from filling the disk.
 * @param fd opened for appending; anything but a regular file is left alone
 * @returns how to stop
 */
export function boundLog(fd: number, maxBytes = 4 * 1024 * 1024): () => void {
  const check = (): void => {
    const stat = fstatSync(fd);
    if (stat.isFile() && stat.size > maxBytes) ftruncateSync(fd, 0);
  };
  const timer = setInterval(check, checkEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
