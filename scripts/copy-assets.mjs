// What tsc does not make: each node's dialog with its compiled editor script, locales/ and icons/ beside the node's .js,
// the captions page, the sample of products, and the command line at dist/cli/main.js.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

for (const entry of readdirSync('nodes', { withFileTypes: true })) {
  if (!entry.isDirectory()) continue;
  const from = join('nodes', entry.name);
  const to = join('dist/nodes', entry.name);
  cpSync(from, to, {
    recursive: true,
    filter: (path) => !/\.(ts|html)$/.test(path) || path.includes('locales'),
  });
  cpSync('icons', join(to, 'icons'), { recursive: true });
  writeFileSync(
    join(to, `${entry.name}.html`),
    dialog(from, readFileSync(join(from, `${entry.name}.html`), 'utf8')),
  );
}

// All nodes have their words for errors in the catalog of smolvlm-engine, and its dialog those for the doctor's findings;
// the captions page has those for errors in its script.
for (const words of ['src/failures/locales', 'src/protocol/findings/locales'])
  for (const file of readdirSync(words)) {
    const path = join('dist/nodes/smolvlm-engine/locales', file.replace('.json', ''), 'smolvlm-engine.json');
    const catalog = JSON.parse(readFileSync(path, 'utf8'));
    Object.assign(catalog['smolvlm-engine'], JSON.parse(readFileSync(join(words, file), 'utf8')));
    writeFileSync(path, JSON.stringify(catalog, null, 2));
  }

execFileSync(process.execPath, [
  'node_modules/assemblyscript/bin/asc.js',
  'wasm/resample.ts',
  ...['--outFile', 'dist/src/image/resize/resample.wasm'],
  ...['--runtime', 'stub', '--enable', 'simd', '--optimizeLevel', '3', '--noAssert'],
]);

const page = 'src/timeline/page';
mkdirSync(join('dist', page), { recursive: true });
for (const name of ['page.html', 'page.css', 'page.webmanifest', 'icon.svg'])
  cpSync(join(page, name), join('dist', page, name));
writeFileSync(join('dist', page, 'page.js'), browserScript(join(page, 'timeline-page.ts')));

const { writeProductSample } = createRequire(import.meta.url)('../dist/src/inference/cpu/product-sample.js');
await writeProductSample();

mkdirSync('dist/cli', { recursive: true });
writeFileSync('dist/cli/main.js', "#!/usr/bin/env node\nrequire('../src/cli/main.js').runProcess();\n");

/** The page that Node-RED loads: scripts of the source stand compiled in their place, so that it is one file. */
function dialog(folder, source) {
  return source.replace(
    /<script src="([\w-]+\.editor\.ts)"><\/script>/g,
    (_, file) => `<script type="text/javascript">\n${browserScript(join(folder, file))}</script>`,
  );
}

/** Readable, since the palette's checks parse it: `registerType` and its literals stay as they are written. */
function browserScript(file) {
  const { outputFiles } = buildSync({
    entryPoints: [file],
    tsconfig: 'tsconfig.editor.json',
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    charset: 'utf8',
  });
  return outputFiles[0].text;
}
