import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { packedPackage, useSuiteFolder } from '../packed-package';

const run = promisify(execFile);

/** What Alpine's Node.js image has beside musl itself: Node.js needs these. */
const given = ['libstdc++.so.6', 'libgcc_s.so.1'];

/** Processors, with musl's name for each, of the containers that Home Assistant and Node-RED publish. */
const processors = { x64: 'x86_64', arm64: 'aarch64' } as const;

/** Declares the test of an installation for each processor. */
export function testMusl(cpus: readonly (keyof typeof processors)[]): void {
  describe('installing the package where the C library is musl', function () {
    this.timeout(300_000);
    const folder = useSuiteFolder();

    for (const cpu of cpus) {
      const machine = processors[cpu];
      it(`takes native parts that need nothing but what Alpine has (${cpu})`, async () => {
        const modules = await install(join(folder, cpu), (await packedPackage()).file, cpu);
        assert.ok(existsSync(join(modules, '@img', `sharp-linuxmusl-${cpu}`)));
        assert.ok(!existsSync(join(modules, '@img', `sharp-linux-${cpu}`)));
        const native = nativeFiles(modules, cpu);
        assert.ok(native.some((file) => file.includes('sharp-linuxmusl')));
        assert.ok(native.some((file) => file.endsWith('koffi.node')));
        assert.ok(native.some((file) => file.includes(`linux-${cpu}-musl`)));
        const shipped = native.map((file) => basename(file));
        // musl's loader takes itself for the name libc.so.
        const own = ['libc.so', `libc.musl-${machine}.so.1`, `ld-musl-${machine}.so.1`];
        const found = [...given, ...own, ...shipped];
        for (const file of native) {
          const lacking = (await neededBy(file)).filter((library) => !found.includes(library));
          assert.deepEqual(lacking, [], file);
        }
      });
    }
  });
}

/** As npm does on a musl machine. @returns its node_modules */
async function install(folder: string, tarball: string, cpu: string): Promise<string> {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{"name":"node-red-project","version":"0.0.1","private":true}');
  const machine = ['--os=linux', `--cpu=${cpu}`, '--libc=musl'];
  const flags = ['--omit=dev', '--engine-strict', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...machine, ...flags, tarball], { cwd: folder });
  return join(folder, 'node_modules');
}

/**
 * Native files that are loaded on musl: koffi and libsql bring a build for each C library and choose by themselves;
 * onnxruntime-node has none for musl, and the engine says so.
 */
function nativeFiles(modules: string, cpu: string): readonly string[] {
  return readdirSync(modules, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.node$|\.so(\.|$)/.test(path))
    .filter((path) => !path.startsWith('onnxruntime-node'))
    .filter((path) => !path.startsWith('@koromix') || path.includes(`musl_${cpu}`))
    .filter((path) => !path.startsWith(join('@libsql', `linux-${cpu}-gnu`)))
    .map((path) => join(modules, path));
}

/** @returns names of the libraries that its dynamic section asks for */
async function neededBy(file: string): Promise<readonly string[]> {
  const { stdout } = await run('readelf', ['--dynamic', '--wide', file]);
  const names = [...stdout.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = '']) => name);
  assert.ok(names.length > 0, `${file} has no dynamic section`);
  return names;
}
