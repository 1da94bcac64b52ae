import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';
import { jobs } from './every-node/every-node';
import { flowOfEveryNode } from './every-node/every-node-flow';
import { useEveryNodeServices } from './every-node/every-node-services';
import { NodeRedProcess } from './node-red-process';
import { packedPackage, useSuiteFolder } from './packed-package';
import { programOf, thisRuntime } from './test-runtimes';

const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
const { name }: { name: string } = manifest;
const types = Object.keys(manifest['node-red'].nodes);

/** Node.js before 22.13 has no SQLite of its own; the first error names the package, later ones refer to it. */
const timelineRefused: Readonly<Record<string, string>> = process.getBuiltinModule?.('node:sqlite')
  ? {}
  : { 'smolvlm-timeline': 'timeline-(library|folder)' };

interface Installation {
  readonly how: string;
  /** For npm. */
  readonly flags: readonly string[];
  /** Packages taken away after the installation. */
  readonly hidden: readonly string[];
  /** The error's code of each type that cannot do its work then. */
  readonly refused: Readonly<Record<string, string>>;
}

/** Two ways in which a Node-RED ends up without what an engine needs, both of them in a home's Alpine container. */
const installations: readonly Installation[] = [
  {
    how: 'koffi and onnxruntime-node, which do not load there',
    flags: [],
    hidden: ['koffi', '@koromix', 'onnxruntime-node'],
    refused: { 'smolvlm-convert': 'onnxruntime-unavailable' },
  },
  {
    how: 'any optional package (--omit=optional)',
    flags: ['--omit=optional'],
    hidden: [],
    // sharp's own libraries are optional packages too.
    refused: {
      'smolvlm-convert': 'protobuf-unavailable',
      'smolvlm-frame': 'image-library',
      ...timelineRefused,
    },
  },
];

describe('the package in a Node-RED', function () {
  this.timeout(300_000);
  const folder = useSuiteFolder();
  const services = useEveryNodeServices(folder);

  for (const [index, { how, flags, hidden, refused }] of installations.entries()) {
    describe(`without ${how}`, () => {
      const userDir = join(folder, `user-${index}`);
      let nodeRed: NodeRedProcess;

      before(async () => {
        await install(userDir, (await packedPackage()).file, flags);
        for (const each of hidden) {
          const path = join(userDir, 'node_modules', each);
          assert.ok(existsSync(path), `${each} is there to be hidden`);
          rmSync(path, { recursive: true });
        }
        nodeRed = await NodeRedProcess.start(await programOf(thisRuntime), userDir);
        const { engineUrl, brokerPort, python } = services();
        await nodeRed.deploy(flowOfEveryNode(engineUrl, brokerPort, python));
      });
      after(() => nodeRed?.stop());

      it('has every node in its palette', async () => {
        const sets = await nodeRed.nodeSets(name);
        assert.deepEqual(sets.flatMap((set) => set.types).sort(), [...types].sort());
        assert.deepEqual(
          sets.filter(({ err, enabled }) => err || !enabled),
          [],
        );
      });

      it('says when its flows start that an engine on this machine lacks a package', () => {
        assert.match(nodeRed.log, /\[smolvlm-engine:.*the package onnxruntime-node is not installed/);
        assert.match(nodeRed.log, /npm install onnxruntime-node/);
      });

      for (const type of types) {
        const code = refused[type];
        it(`${type} ${code ? `says what it lacks (${code})` : 'does its work with an engine elsewhere'}`, async () => {
          const job = jobs[type];
          assert.ok(job, `test/package/every-node/every-node.ts has no job for ${type}`);
          const place = join(userDir, 'bundle');
          const { brokerPort, model } = services();
          const work = job({ nodeRed, brokerPort, model, place });
          await (code ? assert.rejects(work, { message: new RegExp(code) }) : work);
        });
      }
    });
  }
});

/** As a person does at the command line, and the Home Assistant app with the second installation's flag. */
async function install(userDir: string, tarball: string, flags: readonly string[]): Promise<void> {
  mkdirSync(userDir);
  writeFileSync(
    join(userDir, 'package.json'),
    '{"name":"node-red-project","version":"0.0.1","private":true}',
  );
  const args = [
    'install',
    '--omit=dev',
    ...flags,
    '--engine-strict',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    tarball,
  ];
  await promisify(execFile)('npm', args, { cwd: userDir });
}
