import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../../fixtures';
import { captionHere, jobs } from '../every-node/every-node';
import { flowOfEveryNode } from '../every-node/every-node-flow';
import { useEveryNodeServices } from '../every-node/every-node-services';
import { NodeRedProcess } from '../node-red-process';
import { packedPackage, useSuiteFolder } from '../packed-package';
import { programOf, type TestRuntime } from '../test-runtimes';
import { captionOnRequest } from './caption-on-request';
import { HomeServices, pictureFolder } from './home-services';
import { fetchedModel, testReadmePath } from './readme-path';

const { name, 'node-red': declared } = JSON.parse(
  readFileSync(join(repositoryRoot, 'package.json'), 'utf8'),
) as {
  name: string;

  'node-red': { nodes: Record<string, string> };
};
const types = Object.keys(declared.nodes);

/**
 * Declares the tests of an installation into each runtime.
 * @param isInBrowser in which of them the README's steps are followed in a browser
 */
export function testPaletteInstall(
  runtimes: readonly TestRuntime[],
  isInBrowser: (runtime: TestRuntime) => boolean = () => false,
): void {
  describe('installing the package with the palette manager', function () {
    this.timeout(400_000);
    const folder = useSuiteFolder();
    const services = useEveryNodeServices(folder);

    for (const runtime of runtimes) {
      describe(`of Node-RED ${runtime.nodeRed} on Node ${runtime.node}`, () => {
        const userDir = join(folder, `${runtime.nodeRed}-${runtime.node}`);
        const engines = join(userDir, 'engines');
        let nodeRed: NodeRedProcess;
        let home: HomeServices;

        before(async () => {
          home = await HomeServices.start(fetchedModel);
          const program = await programOf(runtime);
          const environment = {
            SMOLVLM_RUNTIME_DIR: engines,
            SMOLVLM_CACHE: join(userDir, 'cache'),
            HF_ENDPOINT: home.hub.endpoint,
            // onnxruntime-node's own install script only fetches CUDA libraries.
            ONNXRUNTIME_NODE_INSTALL: 'skip',
          };
          nodeRed = await NodeRedProcess.start(program, userDir, environment);
        });
        after(async () => {
          await nodeRed?.stop();
          await home?.close();
          // An engine that a dialog has made stays for as long as its field says.
          if (isInBrowser(runtime)) await stopEngine(engines);
          await untilNoEngine(engines);
        });

        it('adds every node with its dialog, and help in each language', async () => {
          const installed = await nodeRed.install((await packedPackage()).file);
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
              assert.ok(new RegExp(`registerType\\((['"])${type}\\1`).test(html), `${type} has a dialog`);
              assert.ok(html.includes(help(type, language)), `${type} has help in ${language}`);
            }
          }
          const { dependencies } = JSON.parse(readFileSync(join(userDir, 'package.json'), 'utf8'));
          assert.deepEqual(Object.keys(dependencies), [name]);
        });

        it('runs every node without further setup', async () => {
          const { engineUrl, brokerPort, python, model } = services();
          await nodeRed.deploy(flowOfEveryNode(engineUrl, brokerPort, python));
          for (const type of types) {
            const job =
              jobs[type] ?? assert.fail(`test/package/every-node/every-node.ts has no job for ${type}`);
            await job({ nodeRed, brokerPort, model, place: join(userDir, 'bundle') });
          }
        });

        it('describes a frame with the demo model on this machine', () => captionHere(nodeRed));

        it('answers an HTTP request and a link call with the caption of the picture that they ask for', () =>
          captionOnRequest(nodeRed));

        if (isInBrowser(runtime)) {
          const pictures = (): string => pictureFolder(folder, `node-red-${runtime.nodeRed}`);
          testReadmePath(() => ({ nodeRed, home, pictures: pictures(), types }));
        }
      });
    }
  });
}

async function stopEngine(runtimeFolder: string): Promise<void> {
  const script = pathToFileURL(join(repositoryRoot, 'scripts', 'demo', 'engine.mjs')).href;
  const engine = (await import(script)) as { stopEngine(runtime: string): Promise<void> };
  await engine.stopEngine(runtimeFolder);
}

/** An engine stays for a second after its last client. */
async function untilNoEngine(folder: string): Promise<void> {
  const sockets = () =>
    existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.sock')) : [];
  for (let waited = 0; waited < 15_000 && sockets().length > 0; waited += 50) await delay(50);
  assert.deepEqual(sockets(), []);
}

function help(type: string, language: string): string {
  const file = join(repositoryRoot, 'nodes', type, 'locales', language, `${type}.html`);
  return readFileSync(file, 'utf8').trim();
}

/** Languages that at least one node speaks: every other must speak them too. */
function languages(): readonly string[] {
  const spoken = types.flatMap((type) => readdirSync(join(repositoryRoot, 'nodes', type, 'locales')));
  return [...new Set(spoken)];
}
