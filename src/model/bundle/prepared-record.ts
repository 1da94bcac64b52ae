import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How a bundle of the cache was prepared, stored in its folder. */
export interface PreparedRecord {
  /** Version of the code that made it. */
  readonly builder: number;
}

const recordFile = '.smolvlm-prepared.json';

export async function writePreparedRecord(dir: string, record: PreparedRecord): Promise<void> {
  await writeFile(join(dir, recordFile), `${JSON.stringify(record)}\n`);
}

/** @returns undefined for a bundle from before there were records, and for one that was not prepared in the cache */
export async function readPreparedRecord(dir: string): Promise<PreparedRecord | undefined> {
  try {
    const { builder } = JSON.parse(await readFile(join(dir, recordFile), 'utf8')) as Partial<PreparedRecord>;
    return typeof builder === 'number' ? { builder } : undefined;
  } catch {
    return undefined;
  }
}
