import { type CommandStep, runCommandChild } from '../../client/children/command-child';
import { SmolvlmError } from '../../errors';
import type { NodeStatus } from '../status/node-status';
import { type Phrase, phrasesOf } from '../status/phrase';
import { StatusThrottle } from '../status/status-throttle';
import { troubleWords } from '../status/trouble-words';
import type { ConversionPlan } from './conversion-plan';
import type { ConversionMode } from './convert-fields';

/** A step of a running command, with how much of it is done. */
export interface ConversionProgress extends CommandStep {
  /** 0 … 100. */
  readonly percent: number;
}

export type OnConversionProgress = (progress: ConversionProgress, mode: ConversionMode) => void;

/** The conversion that a node is running. */
interface RunningConversion {
  readonly abort: AbortController;
  readonly ended: Promise<unknown>;
}

const phrase = phrasesOf('smolvlm-convert');
const trouble = troubleWords('smolvlm-convert');

/** Runs the conversions of one convert node, one at a time, and shows their steps as the node's status. */
export class ConversionController {
  readonly #throttle: StatusThrottle;
  readonly #runCommand: typeof runCommandChild;
  #running: RunningConversion | undefined;

  /** @param runCommand runs a `smolvlm` command in its own process */
  constructor(show: (status: NodeStatus) => void, runCommand = runCommandChild) {
    this.#throttle = new StatusThrottle(show);
    this.#runCommand = runCommand;
    this.#show('grey', 'ring', phrase('status.idle'));
  }

  /**
   * Runs the commands of a message, one after the other.
   * @param plan makes them of the message; what it throws refuses the message
   * @returns what the commands report together; the report of `smolvlm pack` is its `archive`
   * @throws SmolvlmError `convert-busy` while another conversion runs; `convert-cancelled`; the codes of the commands
   */
  async run(plan: () => ConversionPlan, onProgress: OnConversionProgress): Promise<Record<string, unknown>> {
    try {
      const planned = plan();
      if (this.#running) throw busy();
      const abort = new AbortController();
      const work = this.#work(planned, abort.signal, onProgress);
      this.#running = { abort, ended: work.catch(() => undefined) };
      return await work.finally(() => {
        this.#running = undefined;
      });
    } catch (error) {
      // A refused message does not change the status of the running conversion.
      if (!this.#running) this.#showFailure(error);
      throw error;
    }
  }

  /** Ends the running conversion with `convert-cancelled`; parts that are finished are kept. */
  cancel(reason = 'the conversion was cancelled'): void {
    this.#running?.abort.abort(new SmolvlmError('convert-cancelled', reason));
  }

  /** Resolves when the running conversion has ended. */
  async close(): Promise<void> {
    this.cancel('the flow was stopped');
    this.#throttle.close();
    await this.#running?.ended;
  }

  async #work(
    { mode, steps }: ConversionPlan,
    signal: AbortSignal,
    onProgress: OnConversionProgress,
  ): Promise<Record<string, unknown>> {
    let report: Record<string, unknown> = {};
    for (const args of steps) {
      const { document } = await this.#runCommand(args, {
        signal,
        onProgress: (step) => {
          const percent = Math.round((100 * step.done) / Math.max(1, step.total));
          this.#show('blue', 'dot', stepPhrase(step, percent));
          onProgress({ ...step, percent }, mode);
        },
      });
      report = { ...report, ...(args[0] === 'pack' ? { archive: document } : (document as object)) };
    }
    const passed = report.pass !== false;
    this.#show(passed ? 'green' : 'red', 'dot', phrase(passed ? `status.done.${mode}` : 'status.missed'));
    return report;
  }

  #showFailure(error: unknown): void {
    const code = error instanceof SmolvlmError ? error.code : undefined;
    if (code === 'toolkit-missing') this.#show('yellow', 'ring', phrase('status.setup'));
    else this.#show('red', code === 'convert-cancelled' ? 'ring' : 'dot', trouble(error));
  }

  #show(fill: NodeStatus['fill'], shape: NodeStatus['shape'], words: Phrase): void {
    this.#throttle.show({ fill, shape, phrases: [words] });
  }
}

/** e.g. `l3_mlp, 8/24, 35 s left` */
function stepPhrase({ step, stages, secondsLeft }: CommandStep, percent: number): Phrase {
  if (secondsLeft === undefined) return phrase('status.working', { step, percent });
  const seconds = Math.ceil(secondsLeft);
  if (!stages) return phrase('status.workingFor', { step, percent, seconds });
  return phrase('status.stage', { step, done: stages.done, total: stages.total, seconds });
}

function busy(): SmolvlmError {
  return new SmolvlmError('convert-busy', 'a conversion is already running in this node', {
    hint: 'Wait for it, or stop it with msg.cancel = true.',
  });
}
