import { fstatSync, ftruncateSync } from 'node:fs';

const checkEveryMs = 60_000;

/**
 * Limits the size of the log file that this process and its native libraries append to.
 * @param fd opened for appending; nothing happens unless it is a regular file
 * @returns a function that stops it
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
