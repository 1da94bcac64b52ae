import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** What a program and all it started asked the kernel for. */
export interface SystemCalls {
  /** `inet 127.0.0.1:1883` by connect, bind, sendto or sendmsg; Unix sockets are left out. */
  readonly addresses: readonly string[];
  /** Kinds of sockets, e.g. `AF_UNIX`. */
  readonly socketFamilies: readonly string[];
  /** Absolute paths that were made, opened for writing, renamed to, or removed, whether it succeeded or not. */
  readonly written: readonly string[];
}

export const hasStrace = spawnSync('strace', ['-V']).error === undefined;

const traced =
  'network,openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknodat';
const quoted = /"((?:[^"\\]|\\.)*)"/;

/** A program under strace, with only the environment it is given. */
export class TracedProgram {
  readonly child: ChildProcess;
  readonly #file: string;
  #output = '';

  /** @param file receives the trace */
  constructor(command: readonly string[], options: { file: string; cwd: string; env: NodeJS.ProcessEnv }) {
    this.#file = options.file;
    // -y names the files behind descriptors, and so the folder that a relative path begins at.
    const flags = [
      '-f',
      '-y',
      '-qq',
      '--seccomp-bpf',
      '-s',
      '300',
      '-e',
      `trace=${traced}`,
      '-o',
      options.file,
    ];
    this.child = spawn('strace', [...flags, ...command], {
      cwd: options.cwd,
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // strace itself takes no signal: the whole group is told.
      detached: true,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.child.emit('said');
      });
    }
  }

  get output(): string {
    return this.#output;
  }

  /** Waits until the program has said something. */
  says(words: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (words.test(this.#output)) resolve();
        else if (this.child.exitCode !== null) reject(new Error(`did not say ${words}: ${this.#output}`));
        else return;
        this.child.off('said', look).off('exit', look);
      };
      this.child.on('said', look).on('exit', look);
      look();
    });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.child.pid !== undefined) process.kill(-this.child.pid, signal);
  }

  /** Waits for the end of the program and of everything it started. @returns its exit status */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  async calls(): Promise<SystemCalls> {
    const addresses = new Set<string>();
    const socketFamilies = new Set<string>();
    const written = new Set<string>();
    for await (const line of createInterface({ input: createReadStream(this.#file) })) {
      const [, name = '', rest = ''] = /^\d+ +(\w+)\((.*)$/.exec(line) ?? [];
      if (name === 'socket') socketFamilies.add(rest.split(',', 1)[0] ?? '');
      else if (/^(connect|bind|sendto|sendmsg|sendmmsg)$/.test(name)) {
        for (const address of addressesIn(rest)) addresses.add(address);
      } else for (const path of pathsWritten(name, rest)) written.add(path);
    }
    return { addresses: [...addresses], socketFamilies: [...socketFamilies], written: [...written] };
  }
}

function addressesIn(text: string): readonly string[] {
  const inet = /sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]*)"/g;
  return [...text.matchAll(inet)].map(([, port, host]) => `${host}:${port}`);
}

function pathsWritten(name: string, rest: string): readonly string[] {
  if (/^open(at)?$/.test(name) && !/O_WRONLY|O_RDWR|O_CREAT/.test(rest)) return [];
  if (/^(socket|sock|accept|recv|listen|get|set|shutdown)/.test(name)) return [];
  // Each path follows the folder it begins at, where the call has one: AT_FDCWD</home>, "name" or 7</home>, "name".
  const paths = [...rest.matchAll(new RegExp(`(?:(?:AT_FDCWD|\\d+)<([^>]*)>, )?${quoted.source}`, 'g'))];
  // What a symbolic link leads to is not written to.
  const written = name.startsWith('symlink') ? paths.slice(1) : paths;
  return written.map(([, folder, path = '']) => (folder === undefined ? path : resolve(folder, path)));
}

/** @returns the files of a trace that lie outside the given folders, and are not devices */
export function outside(written: readonly string[], folders: readonly string[]): readonly string[] {
  const inside = (path: string): boolean =>
    folders.some((folder) => path === folder || path.startsWith(join(folder, '/')));
  return written.filter((path) => !inside(path) && !/^\/(dev\/(null|tty|ptmx|shm)|proc\/)/.test(path));
}
