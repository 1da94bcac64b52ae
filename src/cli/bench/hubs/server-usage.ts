import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface ServerUsage {
  /** Share of one CPU core. */
  readonly cpu: number;
  readonly peakRssBytes: number;
  readonly peakDiskBytes: number;
}

/** Ticks a second in /proc/PID/stat; the same on every Linux. */
const ticks = 100;
const sampleMs = 1_000;

/** Watches what a process uses until it is stopped. Linux only: elsewhere the figures are NaN and 0. */
export function watchUsage(pid: number, store: string): () => Promise<ServerUsage> {
  let peakRssBytes = 0;
  let peakDiskBytes = 0;
  const startedAt = performance.now();
  const cpuBefore = cpuSeconds(pid);
  const sample = async (): Promise<void> => {
    peakRssBytes = Math.max(peakRssBytes, await rssBytes(pid));
    peakDiskBytes = Math.max(peakDiskBytes, await sizeOf(store));
  };
  const timer = setInterval(() => void sample(), sampleMs);
  return async () => {
    clearInterval(timer);
    await sample();
    const seconds = (performance.now() - startedAt) / 1000;
    return { cpu: ((await cpuSeconds(pid)) - (await cpuBefore)) / seconds, peakRssBytes, peakDiskBytes };
  };
}

async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Fields after the name, which may have spaces; user and system time are the 14th and 15th of all.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

async function rssBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1] ?? 0) * 1024;
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  // Files come and go while they are counted.
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => (found.isFile() ? found.blocks * 512 : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
