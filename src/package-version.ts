import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** This package's version; the path is that of the compiled file in dist/src. */
export function packageVersion(): string {
  const text = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');
  const { version }: { version: string } = JSON.parse(text);
  return version;
}
