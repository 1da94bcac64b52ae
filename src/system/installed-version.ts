import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Version of the package that would be loaded, found the way Node finds it but without loading it. */
export function installedVersion(name: string): string | undefined {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    try {
      const text = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
      const { version }: { version?: unknown } = JSON.parse(text);
      return typeof version === 'string' ? version : undefined;
    } catch {
      if (folder === dirname(folder)) return undefined;
    }
  }
}
