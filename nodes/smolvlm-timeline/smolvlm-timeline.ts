import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import { ImageChildren } from '../../src/client/children/image-children';
import { dialogValues } from '../../src/node-red/dialog-values';
import { chosenEngine } from '../../src/node-red/engine/engine-node';
import { failureText } from '../../src/node-red/failures/failure-text';
import { NodeFailure } from '../../src/node-red/failures/node-failure';
import { type Done, OpenMessages, type Send } from '../../src/node-red/open-messages';
import type { NodeStatus } from '../../src/node-red/status/node-status';
import { type Phrase, phrasesOf } from '../../src/node-red/status/phrase';
import { showStatus } from '../../src/node-red/status/show-status';
import { StatusThrottle } from '../../src/node-red/status/status-throttle';
import { troubleWords } from '../../src/node-red/status/trouble-words';
import { StoppingFlows } from '../../src/node-red/stopping-flows';
import { DigestSchedule } from '../../src/node-red/timeline/digest-schedule';
import { type TimelineActionMessage, TimelineActions } from '../../src/node-red/timeline/timeline-actions';
import { TimelineController } from '../../src/node-red/timeline/timeline-controller';
import { askEngineNode, registerTimelinePage } from '../../src/node-red/timeline/timeline-page';
import { type TimelineDialog, timelineSettings } from '../../src/node-red/timeline/timeline-settings';
import { translatorOf } from '../../src/node-red/translate';
import type { Timeline } from '../../src/timeline/http/timeline';
import { openTimeline } from '../../src/timeline/sqlite/open-timeline';
import type { TimelineStore } from '../../src/timeline/timeline-store';

type Message = NodeMessageInFlow & TimelineActionMessage;
type TimelineNodeDef = NodeDef & TimelineDialog;

const phrase = phrasesOf('smolvlm-timeline');
const trouble = troubleWords('smolvlm-timeline');

export = (RED: NodeAPI): void => {
  const flows = StoppingFlows.of(RED.events);
  /** Deployed timelines, by the node's id: what the captions page shows. */
  const served = new Map<string, Timeline>();
  registerTimelinePage(RED, () => [...served.values()]);

  function SmolvlmTimelineNode(this: Node, given: TimelineNodeDef): void {
    RED.nodes.createNode(this, given);
    const config = dialogValues(given);
    const text = failureText(RED, 'smolvlm-timeline');
    const failure = (error: unknown): NodeFailure => new NodeFailure(error, text);
    let settings: ReturnType<typeof timelineSettings>;
    try {
      settings = timelineSettings(config, RED.settings.userDir ?? process.cwd());
    } catch (error) {
      const refused = failure(error);
      showStatus(RED, this)({ fill: 'red', shape: 'ring', phrases: [trouble(error)] });
      this.error(refused);
      this.on('input', (_message, _send, done) => done(refused));
      return;
    }

    const throttle = new StatusThrottle(showStatus(RED, this));
    const show = (fill: NodeStatus['fill'], shape: NodeStatus['shape'], phrase: Phrase): void =>
      throttle.show({ fill, shape, phrases: [phrase] });
    const thumbnails = new ImageChildren();
    let entries = 0;

    const serve = async (store: TimelineStore): Promise<void> => {
      served.set(this.id, { id: this.id, name: nameOf(RED, this), store, ...askOf(RED, config.engine) });
      store.onAdded(() => {
        entries++;
      });
      ({ entries } = await store.statistics());
      show('grey', 'ring', phrase('status.entries', { count: entries }));
    };
    const controller = new TimelineController({
      open: () => openTimeline({ folder: settings.folder, retention: settings.retention }),
      keep: settings.keep,
      thumbnails,
      onOpen: (store) => void serve(store).catch((error: unknown) => this.error(failure(error))),
      onTrouble: (error) => {
        show('red', 'dot', trouble(error));
        this.error(failure(error));
      },
    });

    const actions = new TimelineActions({
      RED,
      node: this,
      dialog: config,
      settings,
      controller,
      translate: translatorOf(RED, 'smolvlm-timeline'),
      onOutcome: (outcome) => {
        const found = outcome.kind === 'found';
        const words = found
          ? phrase('status.found', { count: outcome.rows })
          : phrase('status.entries', { count: entries });
        show('green', 'dot', words);
      },
    });

    const messages = new OpenMessages(this, { flows, text });
    this.on('input', (received: Message, sendNow: Send, doneNow: Done) => {
      const open = messages.begin(received, sendNow, doneNow);
      if (!open) return;
      const { message, send, done } = open;
      actions.run(message, send).then(
        () => done(),
        (error: unknown) => {
          show('red', 'dot', trouble(error));
          done(failure(error));
        },
      );
    });
    const schedule = new DigestSchedule(settings.digest, settings.digestMinutes, (kind, atMs, fromMs) => {
      actions
        .digest(kind, { atMs, fromMs }, {} as NodeMessage, (out) => this.send(out))
        .catch((error: unknown) => this.error(failure(error)));
    });
    this.on('close', (done: (error?: Error) => void) => {
      schedule.close();
      throttle.close();
      served.delete(this.id);
      // What is being written is kept, and its message ends as usual.
      const closed = controller.close().finally(() => {
        messages.close();
        thumbnails.close();
      });
      closed.then(() => done(), done);
    });
    controller.open().catch((error: unknown) => {
      show('red', 'ring', trouble(error));
      this.error(failure(error));
    });
  }
  RED.nodes.registerType('smolvlm-timeline', SmolvlmTimelineNode as never);
};

/** The node's name, else that of its flow: a page with several timelines lets people choose by it. */
function nameOf(RED: NodeAPI, node: Node): string {
  return node.name || String(RED.util.getSetting(node, 'NR_FLOW_NAME') ?? '');
}

/** Lets the page ask about stored pictures; without an engine that can be used it offers no questions. */
function askOf(RED: NodeAPI, engine: string | undefined): Pick<Timeline, 'ask'> {
  if (!engine) return {};
  try {
    const node = chosenEngine(RED, engine);
    return { ask: askEngineNode(node.engine(), node.settings.defaults) };
  } catch {
    return {};
  }
}
