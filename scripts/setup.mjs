// What a fresh clone needs before anything can run: installed packages and a build, each only when missing or old.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Runs a command to its end, its output on stderr. @throws Error naming the command when it fails */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (result.error) throw result.error;
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${result.status ?? result.signal}`);
}

export function setUp() {
  checkNode();
  install();
  build();
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`building needs Node.js 20.19 or newer; this is ${process.versions.node}`);
  }
}

/** npm leaves an optional package out, and says nothing, when its download breaks off; the tests need them. */
const optionalPackages = Object.keys(
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).optionalDependencies,
);

function install() {
  const missing = () =>
    optionalPackages.filter((name) => !existsSync(join(root, 'node_modules', name, 'package.json')));
  const stamp = join(root, 'node_modules', '.smolvlm-lock');
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') === lock : installedByHand();
  if (installed && missing().length === 0) return;
  for (let tries = 0; tries < 3 && (tries === 0 || missing().length > 0); tries++) {
    process.stderr.write('Installing packages …\n');
    // onnxruntime-node's own install script only fetches CUDA libraries.
    run('npm', ['ci', '--no-audit', '--no-fund'], {
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    });
  }
  if (missing().length > 0) {
    throw new Error(
      `npm could not install ${missing().join(' and ')}: see its log (npm config get cache)/_logs`,
    );
  }
  writeFileSync(stamp, lock);
}

/** Packages that npm put there without this script, and not before the lock file changed. */
function installedByHand() {
  return newest([join(root, 'package-lock.json')]) <= newest([join(root, 'node_modules/.package-lock.json')]);
}

function build() {
  const sources = [
    'src',
    'nodes',
    'test',
    'icons',
    'wasm',
    'scripts/copy-assets.mjs',
    'tsconfig.json',
    'tsconfig.editor.json',
    'package.json',
  ];
  // The build writes it last, once everything before has succeeded.
  const stamp = join(root, 'dist', 'cli', 'main.js');
  if (newest(sources.map((path) => join(root, path))) <= newest([stamp])) return;
  process.stderr.write('Building …\n');
  run('npm', ['run', '--silent', 'build']);
}

/** Time of the youngest file or folder (it is as young as the last name that came or went); 0 if there is none. */
function newest(paths) {
  let time = 0;
  for (const path of paths) {
    if (!existsSync(path) || path.endsWith('fixtures')) continue;
    const stat = statSync(path);
    time = Math.max(time, stat.mtimeMs);
    if (stat.isDirectory()) time = Math.max(time, newest(readdirSync(path).map((name) => join(path, name))));
  }
  return time;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
