// Before packing: takes tests, docs and benchmarks out of the bundled packages in node_modules (`npm ci` brings them
// back), and writes the software bill of materials, sbom.cdx.json.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './setup.mjs';

const packageFile = readJson('package.json');
const lock = readJson('package-lock.json');

/** Nothing that a bundled package loads: compared with the names at its top level. */
const left =
  /^(tests?|docs?|benchmarks?|examples?|integration|\.(?!\.).*|.*\.(test|spec)\.[cm]?[jt]s|eslint\.config\..*|CHANGELOG.*|HISTORY.*)$/i;

for (const [path, { inBundle }] of Object.entries(lock.packages)) if (inBundle) prune(join(root, path));
writeBill();

function readJson(name) {
  return JSON.parse(readFileSync(join(root, name), 'utf8'));
}

function prune(folder) {
  const entry = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const loaded = JSON.stringify([entry.main, entry.exports, entry.types, entry.typings, entry.bin]) ?? '';
  for (const child of readdirSync(folder)) {
    if (!left.test(child) || loaded.includes(`${child}/`)) continue;
    rmSync(join(folder, child), { recursive: true, force: true });
  }
}

/** CycloneDX, by npm, of what an installation gets: dependencies and optional ones. */
function writeBill() {
  // With devDependencies in sight, npm leaves out the packages that are also a dependency's.
  const folder = mkdtempSync(join(tmpdir(), 'smolvlm-sbom-'));
  try {
    const kept = Object.entries(lock.packages).filter(([, { dev }]) => !dev);
    const packages = Object.fromEntries(kept);
    packages[''] = { ...packages[''], devDependencies: {} };
    writeJson(join(folder, 'package.json'), { ...packageFile, devDependencies: {} });
    writeJson(join(folder, 'package-lock.json'), { ...lock, packages });
    const args = ['sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx'];
    const { stdout, stderr, status } = spawnSync('npm', args, {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (status !== 0) throw new Error(`npm sbom ended with ${status}: ${stderr}`);
    const bill = JSON.parse(stdout);
    // npm gives the component the name of the folder.
    bill.metadata.component.name = packageFile.name;
    writeJson(join(root, 'sbom.cdx.json'), bill);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** At once: another process may pack the same tree. */
function writeJson(file, value) {
  const part = `${file}.${process.pid}.tmp`;
  writeFileSync(part, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(part, file);
}
