import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import semver from 'semver';
import { repositoryRoot } from '../fixtures';
import { type EditorDefinition, editorDefinitions } from './editor-definitions';
import { newestNodeRed } from './test-runtimes';

/**
 * The checks of the flow library's scorecard (node-red-dev 0.1.6), by its numbers, as far as they need nothing from
 * the network: P02 is switched off there, P08 compares with every published name, and N01 and D03 are asked in part.
 */
describe("the flow library's scorecard", () => {
  const manifest = readJson('package.json') as {
    readonly [key: string]: unknown;
    readonly name: string;
    readonly keywords: readonly string[];
    readonly engines: { readonly node: string };
    readonly dependencies: Readonly<Record<string, string>>;
    readonly 'node-red': { readonly version: string; readonly nodes: Readonly<Record<string, string>> };
  };
  const sets = Object.keys(manifest['node-red'].nodes);
  let definitions: readonly EditorDefinition[];

  before(() => {
    definitions = sets.flatMap((set) =>
      editorDefinitions(readFileSync(join(repositoryRoot, 'dist', 'nodes', set, `${set}.html`), 'utf8')),
    );
  });

  it('P01, P03: licence, repository and a place for bugs are named', () => {
    assert.equal(manifest.license, 'Apache-2.0');
    assert.ok(manifest.repository && manifest.bugs);
  });

  it('P04: the name is scoped', () => {
    assert.match(manifest.name, /^@[a-z\d][\w-.]+\/[a-z\d][\w-.]*$/);
  });

  it('P05: the keyword node-red is there', () => {
    assert.ok(manifest.keywords.includes('node-red'));
  });

  it('P06: the newest Node-RED satisfies the version asked for', () => {
    assert.ok(semver.satisfies(newestNodeRed.version, manifest['node-red'].version));
  });

  it('P07: the oldest Node.js of the newest Node-RED is enough', () => {
    const oldest = semver.minVersion(newestNodeRed.engines);
    assert.ok(oldest && semver.satisfies(oldest, manifest.engines.node), String(oldest));
  });

  it('N01: each dialog can be read without running it, and each type carries our prefix', () => {
    assert.deepEqual(definitions.map(({ type }) => type).sort(), [...sets].sort());
    for (const { type, literals, fields } of definitions) {
      assert.match(type, /^smolvlm-/);
      assert.ok(fields.defaults?.includes('name'), `${type}: defaults are written in place`);
      assert.equal(typeof literals.category, 'string', `${type}: category is a literal`);
      if (literals.category === 'config') continue;
      for (const property of ['icon', 'color', 'inputs', 'outputs']) {
        assert.ok(literals[property] !== undefined, `${type}: ${property} is a literal`);
      }
    }
  });

  it('N02: every type is used in an example, and each example is an array of nodes', () => {
    const files = readdirSync(join(repositoryRoot, 'examples')).filter((file) => file.endsWith('.json'));
    const used = new Set(
      files.flatMap((file) => (readJson('examples', file) as { type: string }[]).map(({ type }) => type)),
    );
    assert.deepEqual(
      sets.filter((type) => !used.has(type)),
      [],
    );
  });

  it('D01: no more than six dependencies', () => {
    assert.ok(Object.keys(manifest.dependencies).length <= 6);
  });

  it('D02: no agent-base before 6 among what is installed with the package', () => {
    const { packages } = readJson('package-lock.json') as {
      packages: Record<string, { version?: string; dev?: boolean }>;
    };
    const installed = Object.entries(packages).filter(([, { dev }]) => !dev);
    assert.ok(installed.length > 50);
    const old = installed.filter(
      ([path, { version }]) =>
        path.endsWith('node_modules/agent-base') && semver.satisfies(version ?? '', '<6.0.0'),
    );
    assert.deepEqual(old, []);
  });

  it('D03: each dependency may grow within its major version', () => {
    for (const [name, range] of Object.entries(manifest.dependencies)) {
      const { version } = readJson('node_modules', name, 'package.json') as { version: string };
      assert.ok(semver.satisfies(version, range), `${name} ${version} is installed for ${range}`);
      const next = semver.major(version) > 0 ? semver.inc(version, 'minor') : semver.inc(version, 'patch');
      assert.ok(semver.satisfies(next ?? '', range), `${name}: ${range} keeps out ${next}`);
    }
  });
});

function readJson(...path: readonly string[]): unknown {
  return JSON.parse(readFileSync(join(repositoryRoot, ...path), 'utf8'));
}
