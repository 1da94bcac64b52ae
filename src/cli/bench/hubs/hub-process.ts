import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { SmolvlmError } from '../../../errors';
import type { ModelledHubOptions } from './modelled-hub';
import type { PacedHubsOptions } from './paced-hubs';

/** A child process with one modelled hub, or several. */
export class HubProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static start(options: ModelledHubOptions): Promise<HubProcess> {
    return HubProcess.#start('modelled-hub.js', options);
  }

  static startPaced(options: PacedHubsOptions): Promise<HubProcess> {
    return HubProcess.#start('paced-hubs.js', options);
  }

  static async #start(program: string, options: object): Promise<HubProcess> {
    const child = fork(join(__dirname, program), [JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-10_000);
    });
    const failed = once(child, 'exit').then(() => {
      throw new SmolvlmError('bench-hub', `a hub did not start: ${said.trim()}`);
    });
    await Promise.race([once(child, 'message'), failed]);
    failed.catch(() => {});
    return new HubProcess(child);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends it in the middle of its work. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
