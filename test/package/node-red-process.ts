import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../src/system/free-port';

/** Time for Node-RED to say that it has started, or that flows have. */
const sayMs = 180_000;
const stopMs = 20_000;

/** One file of a package that registers node types, as the palette lists it. */
export interface NodeSet {
  readonly id: string;
  readonly module: string;
  readonly types: readonly string[];
  readonly enabled: boolean;
  /** Why its file could not be loaded. */
  readonly err?: unknown;
}

export interface NodeRedProgram {
  /** Node's executable. */
  readonly node: string;
  /** Node-RED's red.js. */
  readonly red: string;
  /** Time to start; default: three minutes. */
  readonly sayMs?: number;
}

/** A real Node-RED with its own user folder, driven over its admin API as the editor does. */
export class NodeRedProcess {
  #log = '';

  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly sayMs: number,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    }
  }

  /**
   * @param userDir made when it is not there; what was installed into it stays
   * @param more settings beside those every test has
   */
  static async start(
    program: NodeRedProgram,
    userDir: string,
    environment: NodeJS.ProcessEnv = {},
    more: object = {},
  ): Promise<NodeRedProcess> {
    mkdirSync(userDir, { recursive: true });
    const port = await freePort();
    const settings = {
      uiHost: '127.0.0.1',
      uiPort: port,
      flowFile: 'flows.json',
      credentialSecret: false,
      telemetry: { enabled: false, updateNotification: false },
      editorTheme: { tours: false },
      logging: { console: { level: 'info', metrics: false, audit: false } },
      ...more,
    };
    writeFileSync(join(userDir, 'settings.js'), `module.exports = ${JSON.stringify(settings)};\n`);
    const child = spawn(program.node, [program.red, '--userDir', userDir], {
      cwd: userDir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    const nodeRed = new NodeRedProcess(`http://127.0.0.1:${port}`, child, program.sayMs ?? sayMs);
    try {
      await nodeRed.#says(/Started flows|Flows sind gestartet|Waiting for missing types/);
    } catch (error) {
      await nodeRed.stop();
      throw error;
    }
    return nodeRed;
  }

  /** Everything it has said. */
  get log(): string {
    return this.#log;
  }

  /** @param from place in the log where the search begins */
  async #says(wanted: RegExp, from = 0): Promise<void> {
    for (const since = Date.now(); Date.now() - since < this.sayMs; await delay(50)) {
      if (wanted.test(this.#log.slice(from))) return;
      if (this.child.exitCode !== null) break;
    }
    throw new Error(`Node-RED does not say ${wanted}:\n${this.#log}`);
  }

  /** Uploads a package as the palette manager's upload button does; Node-RED runs npm. @returns what was added */
  async install(tarball: string): Promise<{ name: string; nodes: readonly NodeSet[] }> {
    const form = new FormData();
    form.set('tarball', new Blob([readFileSync(tarball)]), basename(tarball));
    return this.#json(await fetch(`${this.url}/nodes`, { method: 'POST', body: form }));
  }

  /** @returns the sets of one package */
  async nodeSets(module: string): Promise<readonly NodeSet[]> {
    const headers = { accept: 'application/json' };
    const sets = await this.#json<NodeSet[]>(await fetch(`${this.url}/nodes`, { headers }));
    return sets.filter((set) => set.module === module);
  }

  /** @returns all dialogs and help texts, as the editor loads them */
  async dialogs(language: string): Promise<string> {
    const headers = { accept: 'text/html', 'accept-language': language };
    return (await fetch(`${this.url}/nodes`, { headers })).text();
  }

  /**
   * Deploys a full set of flows, and waits until they run.
   * @param type what is restarted: everything, or what has changed
   */
  async deploy(flows: readonly object[], type: 'full' | 'flows' | 'nodes' = 'full'): Promise<void> {
    const headers = { 'content-type': 'application/json', 'node-red-deployment-type': type };
    const before = this.#log.length;
    const answer = await fetch(`${this.url}/flows`, { method: 'POST', headers, body: JSON.stringify(flows) });
    if (!answer.ok) throw new Error(`the flows are refused: ${answer.status} ${await answer.text()}`);
    await this.#says(/Started (?:modified )?(?:flows|nodes)|Flows sind gestartet/, before);
  }

  async #json<T>(answer: Response): Promise<T> {
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}\n${this.#log}`);
    return (await answer.json()) as T;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const timer = setTimeout(() => this.child.kill('SIGKILL'), stopMs);
    this.child.kill('SIGTERM');
    await once(this.child, 'exit');
    clearTimeout(timer);
  }
}
