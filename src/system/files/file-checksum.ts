import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { defined } from '../defined';

/** @returns SHA-256 of the file's bytes, hex */
export async function fileSha256(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, { highWaterMark: 1 << 20, ...defined({ signal }) });
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
