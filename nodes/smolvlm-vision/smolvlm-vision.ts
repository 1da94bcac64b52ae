import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import { dialogValues } from '../../src/node-red/dialog-values';
import { chosenEngine } from '../../src/node-red/engine/engine-node';
import { failureText } from '../../src/node-red/failures/failure-text';
import { NodeFailure } from '../../src/node-red/failures/node-failure';
import { type Done, OpenMessages, type Send } from '../../src/node-red/open-messages';
import { StatusWords } from '../../src/node-red/status/node-status';
import { phrasesOf } from '../../src/node-red/status/phrase';
import { showStatus } from '../../src/node-red/status/show-status';
import { troubleWords } from '../../src/node-red/status/trouble-words';
import { StoppingFlows } from '../../src/node-red/stopping-flows';
import { VisionController } from '../../src/node-red/vision/vision-controller';
import {
  type VisionDialog,
  type VisionOverrides,
  VisionPlanner,
} from '../../src/node-red/vision/vision-planner';

type Message = NodeMessageInFlow & VisionOverrides;
type VisionNodeDef = NodeDef & VisionDialog & { readonly engine: string };

const words = new StatusWords(phrasesOf('smolvlm-vision'), troubleWords('smolvlm-vision'));

export = (RED: NodeAPI): void => {
  const flows = StoppingFlows.of(RED.events);
  function SmolvlmVisionNode(this: Node, given: VisionNodeDef): void {
    RED.nodes.createNode(this, given);
    const config = dialogValues(given);
    const opened = open(RED, this, config);
    if (opened instanceof NodeFailure) {
      showStatus(RED, this)(words.refused(opened));
      this.error(opened);
      this.on('input', (_message, _send, done) => done(opened));
      return;
    }
    const { controller, planner } = opened;
    const messages = new OpenMessages(this, { flows, text: failureText(RED, 'smolvlm-vision') });

    this.on('input', (received: Message, send: Send, done: Done) => {
      const open = messages.begin(received, send, done);
      if (!open) return;
      const { message } = open;
      void controller
        .run(message, (signal) => planner.prepare(message, signal))
        .then((outcome) => {
          if (outcome.output === 'error') {
            open.done(new NodeFailure(outcome.error, failureText(RED, 'smolvlm-vision')));
            return;
          }
          open.send(outcome.output === 'encoded' ? [outcome.message, null] : [null, outcome.message]);
          open.done();
        });
    });
    this.on('close', () => {
      messages.close();
      controller.close();
    });
  }
  RED.nodes.registerType('smolvlm-vision', SmolvlmVisionNode as never);
};

/** @returns the failure that every message ends with, if there is no usable engine */
function open(
  RED: NodeAPI,
  node: Node,
  config: VisionNodeDef,
): { readonly controller: VisionController; readonly planner: VisionPlanner } | NodeFailure {
  try {
    const engineNode = chosenEngine(RED, config.engine);
    return {
      controller: new VisionController(engineNode.engine(), words, showStatus(RED, node), engineNode.fault),
      planner: new VisionPlanner(RED, node, config, engineNode.settings.defaults),
    };
  } catch (error) {
    return error instanceof NodeFailure ? error : new NodeFailure(error, failureText(RED, 'smolvlm-vision'));
  }
}
