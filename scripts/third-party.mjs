// Writes THIRD-PARTY.md from package-lock.json: what an installation contains that others made, and its licences.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const installed = Object.entries(packages)
  .filter(([path, entry]) => path && !entry.dev)
  .map(([path, entry]) => ({
    ...entry,
    name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
  }))
  .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

const row = ({ name, version, license }) => `| ${name} | ${version} | ${license ?? 'see its package'} |`;
const table = (entries) =>
  ['| package | version | licence |', '|---|---|---|', ...new Set(entries.map(row))].join('\n');

writeFileSync(
  join(root, 'THIRD-PARTY.md'),
  `# Software by others
Written by \`node scripts/third-party.mjs\` from \`package-lock.json\`. Each package carries the text of its licence, except abstract-logging, which only names it. \`sbom.cdx.json\` in the packed file lists the same for machines (CycloneDX 1.5).

## In the packed file
These packages are bundled: they are part of the file that Node-RED installs. Their tests and documentation are left out.

${table(installed.filter(({ inBundle }) => inBundle))}

## Installed beside it by npm
Those that fit the machine. \`sharp\` loads libvips and its libraries (LGPL-3.0-or-later and others) as a shared library from a separate package, \`@img/sharp-libvips-…\`, which can be replaced.

${table(installed.filter(({ inBundle }) => !inBundle))}
`,
);
