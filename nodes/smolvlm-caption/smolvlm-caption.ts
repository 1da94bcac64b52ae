import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import { CaptionController } from '../../src/node-red/caption/caption-controller';
import type { CaptionDialog, CaptionOverrides } from '../../src/node-red/caption/caption-dialog';
import { CaptionPlanner } from '../../src/node-red/caption/caption-planner';
import { type CaptionSettings, captionSettings } from '../../src/node-red/caption/caption-settings';
import type { Deliver, TaskOptions } from '../../src/node-red/caption/caption-task';
import { dialogText, dialogValues } from '../../src/node-red/dialog-values';
import { chosenEngine } from '../../src/node-red/engine/engine-node';
import { failureText } from '../../src/node-red/failures/failure-text';
import { NodeFailure } from '../../src/node-red/failures/node-failure';
import { type Done, OpenMessages, type Send } from '../../src/node-red/open-messages';
import { deadlineMs, type RequestSettings } from '../../src/node-red/request-settings';
import { StatusWords } from '../../src/node-red/status/node-status';
import { phrasesOf } from '../../src/node-red/status/phrase';
import { showStatus } from '../../src/node-red/status/show-status';
import { troubleWords } from '../../src/node-red/status/trouble-words';
import { StoppingFlows } from '../../src/node-red/stopping-flows';
import { translatorOf } from '../../src/node-red/translate';
import { defined } from '../../src/system/defined';
import { fallbackText } from '../../src/template/prompt-template';

type Message = NodeMessageInFlow & CaptionOverrides;
type CaptionNodeDef = NodeDef & CaptionDialog & { readonly engine: string };

/** What a node with valid settings works with. */
interface Opened {
  readonly controller: CaptionController;
  readonly planner: CaptionPlanner;
  readonly settings: CaptionSettings;
}

const outputs = ['caption', 'dropped', 'piece'] as const;
const statusWords = new StatusWords(phrasesOf('smolvlm-caption'), troubleWords('smolvlm-caption'));

export = (RED: NodeAPI): void => {
  const flows = StoppingFlows.of(RED.events);
  function SmolvlmCaptionNode(this: Node, given: CaptionNodeDef): void {
    RED.nodes.createNode(this, given);
    const config = dialogValues(given);
    const opened = open(RED, this, config);
    if (opened instanceof NodeFailure) {
      showStatus(RED, this)(statusWords.refused(opened));
      this.error(opened);
      this.on('input', (_message, _send, done) => done(opened));
      return;
    }
    const { controller, planner, settings } = opened;
    const messages = new OpenMessages(this, { flows, text: failureText(RED, 'smolvlm-caption') });

    this.on('input', (received: Message, send: Send, done: Done) => {
      const open = messages.begin(received, send, done);
      if (!open) return;
      const { message } = open;
      const deliver: Deliver = (output, sent) => {
        if (output === 'caption') open.answered();
        open.send(outputs.map((each) => (each === output ? sent : null)));
      };
      const copy = (original: NodeMessage): NodeMessage => copyOf(RED, original);
      void controller
        .run(message, planner, () => ({ ...taskOptions(config, settings.request, message), deliver, copy }))
        .then(({ error }) => {
          if (error === undefined) open.done();
          else open.done(new NodeFailure(error, failureText(RED, 'smolvlm-caption')));
        });
    });
    this.on('close', () => {
      messages.close();
      controller.close();
      planner.close();
    });
  }
  RED.nodes.registerType('smolvlm-caption', SmolvlmCaptionNode as never);
};

/** @returns the failure that every message ends with, if the settings are invalid or there is no engine */
function open(RED: NodeAPI, node: Node, config: CaptionNodeDef): Opened | NodeFailure {
  const translate = translatorOf(RED, 'smolvlm-caption');
  try {
    const engineNode = chosenEngine(RED, config.engine);
    // First: an engine node with invalid settings has none to read.
    const engine = engineNode.engine();
    const { defaults } = engineNode.settings;
    const settings = captionSettings(config);
    return {
      settings,
      planner: new CaptionPlanner({ RED, node, dialog: config, settings, defaults, translate }),
      controller: new CaptionController(engine, statusWords, showStatus(RED, node), engineNode.fault),
    };
  } catch (error) {
    return error instanceof NodeFailure ? error : new NodeFailure(error, failureText(RED, 'smolvlm-caption'));
  }
}

/** A message that cannot be cloned shares its objects with the copy. */
function copyOf(RED: NodeAPI, message: NodeMessage): NodeMessage {
  try {
    return RED.util.cloneMessage(message);
  } catch {
    return { ...message };
  }
}

function taskOptions(dialog: CaptionDialog, request: RequestSettings, message: Message): TaskOptions {
  const limitMs = deadlineMs(request, message);
  const template = dialogText(dialog.fallback, message.fallback);
  const fallback = {
    text: (camera: string) => fallbackText(template, message, camera),
    always: dialog.fallbackAlways === true,
    late: dialog.late === true,
  };
  return {
    stream: dialog.stream === true,
    ...defined({ deadlineMs: limitMs, fallback: template === '' ? undefined : fallback }),
  };
}
