import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import { ImageChildren } from '../../src/client/children/image-children';
import { dialogValues } from '../../src/node-red/dialog-values';
import { chosenEngine } from '../../src/node-red/engine/engine-node';
import { failureText } from '../../src/node-red/failures/failure-text';
import { NodeFailure } from '../../src/node-red/failures/node-failure';
import { messageCamera } from '../../src/node-red/message-camera';
import { messagePictures, pictureInput } from '../../src/node-red/message-pictures';
import { type Done, OpenMessages, type Send } from '../../src/node-red/open-messages';
import type { NodeStatus } from '../../src/node-red/status/node-status';
import { type Phrase, phrasesOf } from '../../src/node-red/status/phrase';
import { showStatus } from '../../src/node-red/status/show-status';
import { StatusThrottle } from '../../src/node-red/status/status-throttle';
import { troubleWords } from '../../src/node-red/status/trouble-words';
import { StoppingFlows } from '../../src/node-red/stopping-flows';
import { DigestSchedule } from '../../src/node-red/timeline/digest-schedule';
import { digestText } from '../../src/node-red/timeline/digest-text';
import { TimelineController } from '../../src/node-red/timeline/timeline-controller';
import { messageEntry, type TimelineMessage } from '../../src/node-red/timeline/timeline-message';
import { askEngineNode, registerTimelinePage } from '../../src/node-red/timeline/timeline-page';
import { rowOf, searchQuery } from '../../src/node-red/timeline/timeline-search';
import { type TimelineDialog, timelineSettings } from '../../src/node-red/timeline/timeline-settings';
import { evaluate } from '../../src/node-red/typed-input';
import { defined } from '../../src/system/defined';
import type { DigestKind } from '../../src/timeline/digest';
import type { Timeline } from '../../src/timeline/http/timeline';
import { openTimeline } from '../../src/timeline/sqlite/open-timeline';
import type { TimelineStore } from '../../src/timeline/timeline-store';

type Message = NodeMessageInFlow & TimelineMessage & { readonly action?: unknown };
type TimelineNodeDef = NodeDef & TimelineDialog;

const outputs = ['entry', 'rows', 'digest'] as const;
type Output = (typeof outputs)[number];

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
    const translate = (key: string, values: Record<string, string | number> = {}): string =>
      RED._(`smolvlm-timeline.${key}`, values as never);
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
    const to = (output: Output, message: NodeMessage): (NodeMessage | null)[] =>
      outputs.map((each) => (each === output ? message : null));
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

    const search = async (message: Message, send: Send): Promise<void> => {
      const page = await controller.search((cameras) => searchQuery(message.payload, cameras, Date.now()));
      const rows = page.entries.map(rowOf);
      send(to('rows', Object.assign(message, { payload: rows, ...defined({ next: page.next }) })));
      show('green', 'dot', phrase('status.found', { count: rows.length }));
    };
    const digest = async (
      kind: DigestKind,
      { atMs, fromMs }: { readonly atMs: number; readonly fromMs?: number },
      message: NodeMessage,
      send: Send,
    ): Promise<void> => {
      const made = await controller.digest(kind, atMs, fromMs);
      send(
        to(
          'digest',
          Object.assign(message, { payload: digestText(made, translate), digest: made, topic: kind }),
        ),
      );
    };
    const keep = async (message: Message, send: Send): Promise<void> => {
      const camera = await messageCamera(RED, this, config, message);
      const entry = messageEntry(message, camera, Date.now());
      if ('skipped' in entry) return;
      const read = settings.keep === 'none' ? {} : await pictureOf(message);
      const { entry: kept, pictureError } = await controller.keep(entry, read.picture);
      send(to('entry', Object.assign(message, { entry: rowOf(kept) })));
      show('green', 'dot', phrase('status.entries', { count: entries }));
      const error = read.error ?? pictureError;
      if (error !== undefined) throw error;
    };
    const pictureOf = async (
      message: NodeMessage,
    ): Promise<{ readonly picture?: Uint8Array; readonly error?: unknown }> => {
      try {
        const value = await evaluate(RED, this, pictureInput(config, 'picture'), message, 'image');
        if (value === undefined || value === null || value === '') return {};
        const [picture] = await messagePictures(value, AbortSignal.timeout(10_000));
        return defined({ picture });
      } catch (error) {
        return { error };
      }
    };
    const run = (message: Message, send: Send): Promise<void> => {
      const action = message.action ?? (message.caption === undefined ? message.topic : undefined);
      if (action === 'search') return search(message, send);
      if (action === 'daily' || action === 'weekly')
        return digest(action, { atMs: Date.now() }, message, send);
      return keep(message, send);
    };

    const messages = new OpenMessages(this, { flows, text });
    this.on('input', (received: Message, sendNow: Send, doneNow: Done) => {
      const open = messages.begin(received, sendNow, doneNow);
      if (!open) return;
      const { message, send, done } = open;
      run(message, send).then(
        () => done(),
        (error: unknown) => {
          show('red', 'dot', trouble(error));
          done(failure(error));
        },
      );
    });
    const schedule = new DigestSchedule(settings.digest, settings.digestMinutes, (kind, atMs, fromMs) => {
      digest(kind, { atMs, fromMs }, {} as NodeMessage, (out) => this.send(out)).catch((error: unknown) =>
        this.error(failure(error)),
      );
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

/** Lets the page ask about stored pictures, if an engine is chosen. */
function askOf(RED: NodeAPI, engine: string | undefined): Pick<Timeline, 'ask'> {
  if (!engine) return {};
  try {
    const node = chosenEngine(RED, engine);
    return { ask: askEngineNode(node.engine(), node.settings.defaults) };
  } catch {
    return {};
  }
}
