import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { repositoryRoot } from '../fixtures';
import { localePath, nodeFolders } from '../nodes/catalogs';
import { packedPackage } from './packed-package';

const limitBytes = 10 * 1000 * 1000;

const {
  name,
  bin,
  'node-red': declared,
  scripts,
} = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
  name: string;
  bin: Record<string, string>;
  'node-red': { nodes: Record<string, string>; plugins?: Record<string, string> };
  scripts: Record<string, string>;
};

describe(`the tarball of ${name}`, function () {
  this.timeout(60_000);

  it('is smaller than 10 MB with the demo model in it', async () => {
    const { sizeBytes, entries } = await packedPackage();
    assert.ok(entries.includes('models/demo/model.safetensors'));
    assert.ok(sizeBytes < limitBytes, `${sizeBytes} bytes`);
  });

  it('holds each file that package.json names, and the files that Node-RED loads beside it', async () => {
    const { entries } = await packedPackage();
    for (const [type, file] of Object.entries(declared.nodes)) {
      const folder = file.slice(0, file.lastIndexOf('/'));
      const catalog = `${folder}/locales/en-US/${type}`;
      for (const path of [file, file.replace(/\.js$/, '.html'), `${catalog}.json`, `${catalog}.html`]) {
        assert.ok(entries.includes(path), path);
      }
      assert.ok(
        entries.some((path) => path.startsWith(`${folder}/icons/`)),
        `icons beside ${type}`,
      );
    }
    for (const folder of nodeFolders) {
      const languages = readdirSync(join(repositoryRoot, 'nodes', folder, 'locales'));
      for (const path of languages.map((language) => localePath(folder, language, 'json'))) {
        const packedPath = `dist/${relative(repositoryRoot, path)}`;
        assert.ok(entries.includes(packedPath), packedPath);
        const help = packedPath.replace(/json$/, 'html');
        assert.ok(folder === 'sidebar' || entries.includes(help), help);
      }
    }
    const plugins = Object.values(declared.plugins ?? {});
    for (const path of [...plugins, ...Object.values(bin), 'LICENSE', 'README.md', 'examples/flows.json']) {
      assert.ok(entries.includes(path), path);
    }
  });

  it('holds dialogs of one file each: their code, and style sheets of resources/ at a relative address', async () => {
    const { entries } = await packedPackage();
    const dialogs = Object.keys(declared.nodes).map((type) => `${type}/${type}.html`);
    for (const dialog of [...dialogs, 'sidebar/sidebar.html']) {
      const html = readFileSync(join(repositoryRoot, 'dist', 'nodes', dialog), 'utf8');
      assert.doesNotMatch(html, /<script[^>]* src=/, dialog);
      assert.match(html, /<script type="text\/javascript">/, dialog);
      for (const [, source = ''] of html.matchAll(/<link [^>]*href="([^"]*)"/g)) {
        const [, path] = source.split(`resources/${name}/`);
        assert.ok(
          source.startsWith('resources/') && entries.includes(`resources/${path}`),
          `${dialog}: ${source}`,
        );
      }
    }
  });

  it('holds no tests, sources or source maps', async () => {
    const { entries } = await packedPackage();
    const own = entries.filter((path) => !path.startsWith('node_modules/'));
    assert.deepEqual(
      own.filter((path) =>
        /^(test|src|nodes|scripts)\/|^dist\/test\/|(?<!\.d)\.ts$|\.map$|\.pyc$/.test(path),
      ),
      [],
    );
  });

  it('holds no tests, documentation or benchmarks of bundled packages', async () => {
    const { entries } = await packedPackage();
    assert.deepEqual(
      entries.filter((path) =>
        /^node_modules\/(@[^/]+\/)?[^/]+\/(tests?|docs|benchmarks?|examples)\//.test(path),
      ),
      [],
    );
  });

  it('holds the licence of each bundled package', async () => {
    const { entries } = await packedPackage();
    const folders = new Set(
      entries.flatMap(
        (path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(path)?.[1] ?? [],
      ),
    );
    const without = [...folders].filter(
      (folder) => !entries.some((path) => path.toLowerCase().startsWith(`${folder}/licen`.toLowerCase())),
    );
    // It names the MIT licence in package.json and has no copy of it.
    assert.deepEqual(without, ['node_modules/abstract-logging']);
  });

  it('names what others made: a notice, a table of packages and a bill of materials', async () => {
    const { entries } = await packedPackage();
    for (const path of ['NOTICE', 'THIRD-PARTY.md', 'sbom.cdx.json']) assert.ok(entries.includes(path), path);
    const bill = JSON.parse(readFileSync(join(repositoryRoot, 'sbom.cdx.json'), 'utf8'));
    assert.equal(bill.bomFormat, 'CycloneDX');
    assert.equal(bill.metadata.component.name, name);
    const named = (bill.components as { name: string; group?: string }[]).map((each) => each.name);
    for (const bundled of ['fastify', 'ajv', 'sharp', 'onnxruntime-node']) {
      assert.ok(named.includes(bundled), bundled);
    }
  });

  it('runs nothing when it is installed', () => {
    const atInstall = ['preinstall', 'install', 'postinstall', 'prepare'];
    assert.deepEqual(
      atInstall.filter((script) => script in scripts),
      [],
    );
  });
});
