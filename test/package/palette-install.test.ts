import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../fixtures';
import { NodeRedProcess } from './node-red-process';
import { usePackedPackage, useSuiteFolder } from './packed-package';
import { allRuntimes, programOf, shortRuntimes } from './test-runtimes';

const {
  name,
  version,
  'node-red': declared,
} = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
  name: string;
  version: string;
  'node-red': { nodes: Record<string, string> };
};
const types = Object.keys(declared.nodes);
const runtimes = process.env.SMOLVLM_TEST_PACKAGE === 'full' ? allRuntimes : shortRuntimes;

describe('installing the package with the palette manager', function () {
  this.timeout(240_000);
  const packed = usePackedPackage();
  const folder = useSuiteFolder();

  for (const runtime of runtimes) {
    it(`puts every node into the palette of Node-RED ${runtime.nodeRed} on Node ${runtime.node}`, async () => {
      const userDir = join(folder, `${runtime.nodeRed}-${runtime.node}`);
      const program = await programOf(runtime);
      const { file } = await packed();
      // onnxruntime-node's own install script only fetches CUDA libraries.
      const nodeRed = await NodeRedProcess.start(program, userDir, { ONNXRUNTIME_NODE_INSTALL: 'skip' });
      try {
        const installed = await nodeRed.install(file);
        assert.equal(installed.name, name);
        const sets = await nodeRed.nodeSets(name);
        assert.deepEqual(
          sets.filter(({ err, enabled }) => err || !enabled),
          [],
        );
        assert.deepEqual(sets.flatMap((set) => set.types).sort(), [...types].sort());
        for (const language of languages()) {
          const html = await nodeRed.dialogs(language);
          for (const type of types) {
            assert.ok(html.includes(`registerType('${type}'`), `${type} has a dialog`);
            const help = readFileSync(
              join(repositoryRoot, 'nodes', type, 'locales', language, `${type}.html`),
              'utf8',
            );
            assert.ok(html.includes(help.trim()), `${type} has help in ${language}`);
          }
        }
        const { dependencies } = JSON.parse(readFileSync(join(userDir, 'package.json'), 'utf8'));
        assert.deepEqual(Object.keys(dependencies), [name]);
        const manifest = join(userDir, 'node_modules', ...name.split('/'), 'package.json');
        assert.equal(JSON.parse(readFileSync(manifest, 'utf8')).version, version);
      } finally {
        await nodeRed.stop();
      }
    });
  }
});

/** Languages that at least one node speaks: every other must speak them too. */
function languages(): readonly string[] {
  const spoken = types.flatMap((type) => readdirSync(join(repositoryRoot, 'nodes', type, 'locales')));
  return [...new Set(spoken)];
}
