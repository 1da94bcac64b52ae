import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import { type CommandStep, runCommandChild } from '../../src/client/children/command-child';
import { SmolvlmError } from '../../src/errors';
import {
  type ConversionDialog,
  type ConversionMessage,
  planConversion,
} from '../../src/node-red/convert/conversion';
import { dialogValues } from '../../src/node-red/dialog-values';
import { failureText } from '../../src/node-red/failures/failure-text';
import { NodeFailure } from '../../src/node-red/failures/node-failure';
import { type Done, OpenMessages, type Send } from '../../src/node-red/open-messages';
import type { NodeStatus } from '../../src/node-red/status/node-status';
import { type Phrase, phrasesOf } from '../../src/node-red/status/phrase';
import { showStatus } from '../../src/node-red/status/show-status';
import { StatusThrottle } from '../../src/node-red/status/status-throttle';
import { troubleWords } from '../../src/node-red/status/trouble-words';
import { StoppingFlows } from '../../src/node-red/stopping-flows';

type Message = NodeMessageInFlow & ConversionMessage & { cancel?: boolean };

/** The conversion that a node is running. */
interface RunningConversion {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

const phrase = phrasesOf('smolvlm-convert');
const trouble = troubleWords('smolvlm-convert');

export = (RED: NodeAPI): void => {
  const flows = StoppingFlows.of(RED.events);
  function SmolvlmConvertNode(this: Node, given: NodeDef & ConversionDialog): void {
    RED.nodes.createNode(this, given);
    const config = dialogValues(given);
    const throttle = new StatusThrottle(showStatus(RED, this));
    const show = (fill: NodeStatus['fill'], shape: NodeStatus['shape'], phrase: Phrase): void =>
      throttle.show({ fill, shape, phrases: [phrase] });
    const messages = new OpenMessages(this, { flows, text: failureText(RED, 'smolvlm-convert') });
    let running: RunningConversion | undefined;
    show('grey', 'ring', phrase('status.idle'));

    /** e.g. `l3_mlp, 8/24, 35 s left` */
    const stepPhrase = ({ step, stages, secondsLeft }: CommandStep, percent: number): Phrase => {
      if (secondsLeft === undefined) return phrase('status.working', { step, percent });
      const seconds = Math.ceil(secondsLeft);
      if (!stages) return phrase('status.workingFor', { step, percent, seconds });
      return phrase('status.stage', { step, done: stages.done, total: stages.total, seconds });
    };

    const run = async (
      { mode, steps }: ReturnType<typeof planConversion>,
      message: Message,
      signal: AbortSignal,
      send: Send,
    ): Promise<void> => {
      let payload: Record<string, unknown> = {};
      for (const args of steps) {
        const onProgress = (step: CommandStep): void => {
          const percent = Math.round((100 * step.done) / Math.max(1, step.total));
          show('blue', 'dot', stepPhrase(step, percent));
          send([null, { payload: { ...step, percent }, topic: mode } as NodeMessage]);
        };
        const { document } = await runCommandChild(args, { signal, onProgress });
        payload = { ...payload, ...(args[0] === 'pack' ? { archive: document } : (document as object)) };
      }
      const passed = payload.pass !== false;
      show(passed ? 'green' : 'red', 'dot', phrase(passed ? `status.done.${mode}` : 'status.missed'));
      send([Object.assign(message, { payload }) as NodeMessage, null]);
    };

    const showFailure = (failure: NodeFailure): void => {
      const { code } = failure;
      if (code === 'toolkit-missing') show('yellow', 'ring', phrase('status.setup'));
      else show('red', code === 'convert-cancelled' ? 'ring' : 'dot', trouble(failure));
    };

    this.on('input', (received: Message, sendNow: Send, doneNow: Done) => {
      const open = messages.begin(received, sendNow, doneNow);
      if (!open) return;
      const { message, send, done } = open;
      if (message.cancel === true) {
        running?.abort.abort(new SmolvlmError('convert-cancelled', 'the conversion was cancelled'));
        done();
        return;
      }
      const begin = async (): Promise<void> => {
        const plan = planConversion(config, message);
        if (running) {
          throw new SmolvlmError('convert-busy', 'a conversion is already running in this node', {
            hint: 'Wait for it, or stop it with msg.cancel = true.',
          });
        }
        const abort = new AbortController();
        const work = run(plan, message, abort.signal, send);
        running = { abort, ended: work.catch(() => undefined) };
        try {
          await work;
        } finally {
          running = undefined;
        }
      };
      begin().then(
        () => done(),
        (error: unknown) => {
          const failure = new NodeFailure(
            asksForSetup(error, RED._('smolvlm-convert.status.askSetup')),
            failureText(RED, 'smolvlm-convert'),
          );
          // A refused message must not change the status of the running conversion.
          if (!running) showFailure(failure);
          done(failure);
        },
      );
    });
    this.on('close', (done: () => void) => {
      running?.abort.abort(new SmolvlmError('convert-cancelled', 'the flow was stopped'));
      throttle.close();
      void (running?.ended ?? Promise.resolve()).then(done);
    });
  }
  RED.nodes.registerType('smolvlm-convert', SmolvlmConvertNode as never);
};

/** In a flow a missing converter is installed by the dialog's tick or a message, not by the command line. */
function asksForSetup(error: unknown, hint: string): unknown {
  if (!(error instanceof SmolvlmError) || error.code !== 'toolkit-missing') return error;
  return new SmolvlmError(error.code, error.message, { hint, cause: error });
}
