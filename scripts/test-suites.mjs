// Which test belongs to which run, told by the name of its file and by what it imports.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { root } from './setup.mjs';

/**
 * `npm run test:oracles`: large or slow judges from outside, each with a short form in `npm test`.
 * `npm run test:fuzz`: random inputs; in `npm test` a few, there many.
 */
const oracle = /\.oracle\.test\.ts$/;
const fuzz = /\.fuzz\.test\.ts$/;

/** A test that imports one of these, directly or not, is left out of `npm run test:fast`. */
const slowSupport = [
  'test/browser/editor.ts',
  'test/convert/toolkit/test-toolkit.ts',
  'test/package/node-red-process.ts',
  'test/package/packed-package.ts',
];

/** So is a test that starts one of these programs itself, everything at once, or a benchmark. */
const slowFiles = /^test\/(e2e\/|backends\/rknn\/arm64\.test\.ts$|cli\/bench\/board\.test\.ts$)/;

/** @returns sources of a run's tests, relative to the root, in order of their names */
export function testFiles(name) {
  const all = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((path) => `test/${path}`)
    .filter((path) => path.endsWith('.test.ts'))
    .sort();
  if (name === 'oracles') return all.filter((path) => oracle.test(path));
  if (name === 'fuzz') return all.filter((path) => fuzz.test(path));
  const usual = all.filter((path) => !oracle.test(path));
  if (name === 'all') return usual;
  if (name === 'fast') return usual.filter((path) => !isSlow(path));
  throw new Error(`expected all, fast, oracles or fuzz as the run, received ${name}`);
}

/** @returns path of the compiled test */
export function compiled(path) {
  return join('dist', path.replace(/\.ts$/, '.js'));
}

function isSlow(path) {
  if (slowFiles.test(path)) return true;
  const seen = new Set();
  const open = [path];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...importsOf(next));
  }
  return slowSupport.some((support) => seen.has(support));
}

/** @returns files below test/ that a file imports */
function importsOf(path) {
  const text = readFileSync(join(root, path), 'utf8');
  return [...text.matchAll(/^(?:import|export) (?!type ).*from '(\.[^']*)';$|^\} from '(\.[^']*)';$/gm)]
    .map(([, one, other]) => relative(root, resolve(root, dirname(path), `${one ?? other}.ts`)))
    .filter((file) => file.startsWith('test/') && existsSync(join(root, file)));
}

/** Folders whose files run in one process, because they share what is slow to make. */
const together = ['test/package/'];

/**
 * Seconds of the processor for each file that takes half of one or more, measured by `npm test -- --record`. Time on the
 * wall would say what else the machine did.
 */
const secondsFile = join(root, 'scripts', 'test-seconds.json');

/** Deals files out to processes, the longest first, each to the one with the least to do. */
export function shareOut(files, processes) {
  const seconds = JSON.parse(readFileSync(secondsFile, 'utf8'));
  const groups = new Map();
  for (const file of files) {
    const name = together.find((prefix) => file.startsWith(prefix)) ?? file;
    const group = groups.get(name) ?? { files: [], seconds: 0 };
    group.files.push(file);
    group.seconds += seconds[file] ?? 0.15;
    groups.set(name, group);
  }
  const shares = Array.from({ length: processes }, () => ({ files: [], seconds: 0 }));
  for (const group of [...groups.values()].sort((a, b) => b.seconds - a.seconds)) {
    const share = shares.reduce((least, each) => (each.seconds < least.seconds ? each : least));
    share.files.push(...group.files);
    share.seconds += group.seconds;
  }
  return shares.map((share) => share.files.sort());
}

/** @param fileTimes milliseconds of the processor by path of the compiled test */
export function recordSeconds(fileTimes) {
  const seconds = JSON.parse(readFileSync(secondsFile, 'utf8'));
  for (const [path, { cpu }] of Object.entries(fileTimes)) {
    const source = relative(join(root, 'dist'), path).replace(/\.js$/, '.ts');
    if (cpu < 500) delete seconds[source];
    else seconds[source] = Math.round(cpu / 100) / 10;
  }
  const sorted = Object.fromEntries(
    Object.entries(seconds)
      .filter(([path]) => existsSync(join(root, path)))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  writeFileSync(secondsFile, `${JSON.stringify(sorted, undefined, 2)}\n`);
}
