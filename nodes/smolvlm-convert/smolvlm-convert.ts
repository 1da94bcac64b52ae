import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import { SmolvlmError } from '../../src/errors';
import { ConversionController } from '../../src/node-red/convert/conversion-controller';
import {
  type ConversionDialog,
  type ConversionMessage,
  planConversion,
} from '../../src/node-red/convert/conversion-plan';
import { dialogValues } from '../../src/node-red/dialog-values';
import { failureText } from '../../src/node-red/failures/failure-text';
import { NodeFailure } from '../../src/node-red/failures/node-failure';
import { type Done, OpenMessages, type Send } from '../../src/node-red/open-messages';
import { showStatus } from '../../src/node-red/status/show-status';
import { StoppingFlows } from '../../src/node-red/stopping-flows';

type Message = NodeMessageInFlow & ConversionMessage & { cancel?: boolean };

export = (RED: NodeAPI): void => {
  const flows = StoppingFlows.of(RED.events);
  const text = failureText(RED, 'smolvlm-convert');
  function SmolvlmConvertNode(this: Node, given: NodeDef & ConversionDialog): void {
    RED.nodes.createNode(this, given);
    const config = dialogValues(given);
    const controller = new ConversionController(showStatus(RED, this));
    const messages = new OpenMessages(this, { flows, text });

    this.on('input', (received: Message, sendNow: Send, doneNow: Done) => {
      const open = messages.begin(received, sendNow, doneNow);
      if (!open) return;
      const { message, send, done } = open;
      if (message.cancel === true) {
        controller.cancel();
        done();
        return;
      }
      controller
        .run(
          () => planConversion(config, message),
          (progress, mode) => send([null, { payload: progress, topic: mode } as unknown as NodeMessage]),
        )
        .then(
          (payload) => {
            send([Object.assign(message, { payload }), null]);
            done();
          },
          (error: unknown) => {
            const asked = asksForSetup(error, RED._('smolvlm-convert.status.askSetup'));
            done(new NodeFailure(asked, text));
          },
        );
    });
    this.on('close', (done: () => void) => void controller.close().then(done));
  }
  RED.nodes.registerType('smolvlm-convert', SmolvlmConvertNode as never);
};

/** In a flow a missing converter is installed by the dialog's tick or a message, not by the command line. */
function asksForSetup(error: unknown, hint: string): unknown {
  if (!(error instanceof SmolvlmError) || error.code !== 'toolkit-missing') return error;
  return new SmolvlmError(error.code, error.message, { hint, cause: error });
}
