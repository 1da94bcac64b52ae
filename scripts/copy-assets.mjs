// What tsc leaves behind: puts each node's .html, locales/ and icons/ beside its compiled .js, and the
// command line at dist/cli/main.js.
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const nodeFolders = existsSync('nodes') ? readdirSync('nodes', { withFileTypes: true }) : [];
for (const entry of nodeFolders) {
  if (!entry.isDirectory()) continue;
  const to = join('dist/nodes', entry.name);
  cpSync(join('nodes', entry.name), to, { recursive: true, filter: (from) => !from.endsWith('.ts') });
  if (existsSync('icons')) cpSync('icons', join(to, 'icons'), { recursive: true });
}

mkdirSync('dist/cli', { recursive: true });
writeFileSync('dist/cli/main.js', "#!/usr/bin/env node\nrequire('../src/cli/main.js').runProcess();\n");
