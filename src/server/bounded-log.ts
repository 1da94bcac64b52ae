import { fstatSync, ftruncateSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

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

/**
 * Writes lines to a log file. A line is lost when the disk is full: `process.stderr` would throw, and write nothing more
 * after that.
 * @param write for a terminal or a pipe, which are written to as a stream
 */
export function fileLog(fd: number, write: (line: string) => void): (line: string) => void {
  const stat = fstatSync(fd);
  if (stat.isFIFO() || stat.isSocket() || isatty(fd)) return write;
  return (line) => {
    try {
      writeSync(fd, `${line}\n`);
    } catch {
      // Nothing else could report it.
    }
  };
}
