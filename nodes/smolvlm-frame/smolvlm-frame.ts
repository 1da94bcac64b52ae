import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import { ImageChildren } from '../../src/client/children/image-children';
import { FrameGate } from '../../src/frame/frame-gate';
import { type ArrivedPicture, FrameIntake, type FrameVerdict } from '../../src/frame/frame-intake';
import type { FrameSource, SourceFrame } from '../../src/frame/frame-source';
import { openFrameSource } from '../../src/frame/open-frame-source';
import { dialogValues } from '../../src/node-red/dialog-values';
import { failureText } from '../../src/node-red/failures/failure-text';
import { NodeFailure } from '../../src/node-red/failures/node-failure';
import {
  deliver,
  type FrameOrigin,
  type Trigger,
  withEarlierTriggers,
} from '../../src/node-red/frame/frame-delivery';
import { type FrameDialog, frameSettings } from '../../src/node-red/frame/frame-dialog';
import { registerFrameSample } from '../../src/node-red/frame/frame-sample';
import { FrameStatus, longestSilenceMs } from '../../src/node-red/frame/frame-status';
import {
  type SourceLogin,
  type SourceSettings,
  sourceSettings,
} from '../../src/node-red/frame/source-settings';
import { cameraName, messageCamera } from '../../src/node-red/message-camera';
import { messagePictures, pictureInput } from '../../src/node-red/message-pictures';
import { type Done, OpenMessages, type Send } from '../../src/node-red/open-messages';
import { phrasesOf } from '../../src/node-red/status/phrase';
import { showStatus } from '../../src/node-red/status/show-status';
import { StatusThrottle } from '../../src/node-red/status/status-throttle';
import { troubleWords } from '../../src/node-red/status/trouble-words';
import { StoppingFlows } from '../../src/node-red/stopping-flows';
import { evaluate } from '../../src/node-red/typed-input';
import { timeOf } from '../../src/protocol/message-time';
import { defined } from '../../src/system/defined';

type Message = NodeMessageInFlow & {
  camera?: unknown;
  capturedAt?: unknown;
  reset?: unknown;
  picture?: unknown;
};

type OnVerdicts = (picture: ArrivedPicture<FrameOrigin>, verdicts: readonly FrameVerdict[]) => void;

/** Who uses a source's pictures. */
interface SourceUsers {
  readonly intake: FrameIntake<FrameOrigin>;
  readonly status: FrameStatus;
  readonly waiting: Trigger[];
}

interface Opened {
  readonly intake: FrameIntake<FrameOrigin>;
  readonly gate: FrameGate;
  readonly status: FrameStatus;
  readonly throttle: StatusThrottle;
  readonly isMasked: boolean;
  readonly source?: FrameSource;
}

const trouble = troubleWords('smolvlm-frame');

export = (RED: NodeAPI): void => {
  const flows = StoppingFlows.of(RED.events);
  const child = new ImageChildren();
  const text = failureText(RED, 'smolvlm-frame');
  const sample = registerFrameSample(RED, child);

  function SmolvlmFrameNode(this: Node<SourceLogin>, given: NodeDef & FrameDialog): void {
    RED.nodes.createNode(this, given);
    const config = dialogValues(given);
    const closing = new AbortController();
    /** Messages that wait for the next picture of the node's own source. */
    const waiting: Trigger[] = [];
    const onVerdicts: OnVerdicts = (picture, verdicts) => {
      if (closing.signal.aborted) return;
      deliver({ RED, node: this, text }, picture, verdicts);
      for (const verdict of verdicts) opened.status.verdict(verdict);
    };

    let opened: Opened;
    try {
      opened = open(this, config, waiting, onVerdicts);
    } catch (error) {
      const failure = new NodeFailure(error, text);
      showStatus(RED, this)({ fill: 'red', shape: 'ring', phrases: [trouble(error)] });
      this.error(failure);
      const messages = new OpenMessages(this, {
        ...{ flows, text },
        // Where the masks are is unknown if they are what is invalid.
        ...(mayBeMasked(config) && { hide: (message) => hidePicture(message, pictureInput(config)) }),
      });
      this.on('input', (received, send, done) => messages.begin(received, send, done)?.done(failure));
      return;
    }
    const { intake, gate, source, status, throttle, isMasked } = opened;

    // A message may end, e.g. because the node closes, before its picture has been taken from it.
    const hide = (message: NodeMessage): void => hidePicture(message, pictureInput(config));
    const messages = new OpenMessages(this, { flows, text, ...(isMasked && !source && { hide }) });
    const take = async (message: Message): Promise<Omit<ArrivedPicture<FrameOrigin>, 'tag'>> => {
      const field = pictureInput(config);
      let camera: string;
      let image: unknown;
      try {
        camera = await messageCamera(RED, this, config, message);
        image = await evaluate(RED, this, field, message, 'image');
      } finally {
        if (isMasked) hidePicture(message, field);
      }
      const [bytes = new Uint8Array()] = await messagePictures(image, closing.signal);
      const capturedAt = timeOf(message.capturedAt);
      return { camera, bytes, ...defined({ capturedAt }) };
    };

    this.on('input', (received: Message, sendNow: Send, doneNow: Done) => {
      const open = messages.begin(received, sendNow, doneNow);
      if (!open) return;
      const { message, send, done } = open;
      if (message.reset) {
        gate.reset(message.camera === undefined ? undefined : cameraName(message.camera));
        done();
      } else if (source) {
        waiting.push({ message, send, done });
        source.take();
      } else {
        take(message).then(
          (picture) => {
            if (closing.signal.aborted) return;
            sample.keep(this.id, picture.bytes);
            intake.offer({ ...picture, tag: { triggers: [{ message, send, done }] } });
          },
          (error: unknown) => {
            const failure = new NodeFailure(error, text);
            status.failed(error);
            done(failure);
          },
        );
      }
    });
    this.on('close', (removed: boolean, closed: () => void) => {
      closing.abort();
      source?.close();
      messages.close();
      status.close();
      throttle.close();
      // After a restart the dialog still has a picture to draw on.
      if (removed) sample.forget(this.id);
      closed();
    });
  }

  /** Removes pictures from a message: only the masked one may leave, through an output or a Catch node. */
  function hidePicture(
    message: NodeMessage & { picture?: unknown },
    { value, type }: { value: string; type: string },
  ): void {
    message.payload = undefined;
    // What an earlier node described may be the same picture without masks.
    delete message.picture;
    if (type !== 'msg') return;
    try {
      RED.util.setMessageProperty(message, value, undefined);
    } catch {
      // The object that holds the picture cannot be changed.
      Object.assign(message, { [value.split(/[.[]/)[0] ?? '']: undefined });
    }
  }

  function open(
    node: Node<SourceLogin>,
    config: NodeDef & FrameDialog,
    waiting: Trigger[],
    onVerdicts: OnVerdicts,
  ): Opened {
    const { gate: gateSettings, options, zones } = frameSettings(config);
    const settings = sourceSettings(config, node.credentials);
    const gate = new FrameGate(gateSettings);
    const prepare = child.prepare.bind(child);
    // Pictures of messages are different pictures: none of them takes another's place unnoticed.
    const join = settings.kind === 'message' ? undefined : withEarlierTriggers;
    const intake = new FrameIntake<FrameOrigin>({
      ...{ gate, prepare, options, zones, onVerdicts },
      ...defined({ join }),
    });
    const throttle = new StatusThrottle(showStatus(RED, node));
    const { show } = throttle;
    const silence = defined({ longestSilenceMs: longestSilenceMs(settings) });
    const status = new FrameStatus({ show, phrase: phrasesOf('smolvlm-frame'), trouble, ...silence });
    const source = openSource(node, config, settings, { intake, status, waiting });
    // A camera that is asked by messages alone is not connected to before.
    const isAskedOnly = settings.kind === 'snapshot' && settings.intervalMs === undefined;
    if (source && !isAskedOnly) status.connecting();
    else status.idle();
    const isMasked = options.masks !== undefined;
    return { intake, gate, status, throttle, isMasked, ...defined({ source }) };
  }

  function openSource(
    node: Node,
    config: NodeDef & FrameDialog,
    settings: SourceSettings,
    { intake, status, waiting }: SourceUsers,
  ): FrameSource | undefined {
    const camera = fixedCamera(node, config) || config.name || node.id;
    if (settings.kind === 'message') return undefined;
    return openFrameSource(settings, {
      onFrame: ({ bytes, capturedAt, name }: SourceFrame) => {
        sample.keep(node.id, bytes);
        status.arrived();
        intake.offer({
          ...{ camera, bytes, capturedAt },
          tag: { triggers: waiting.splice(0), ...defined({ name }) },
        });
      },
      onConnected: () => status.connected(),
      onTrouble: (error, isKnown) => {
        const failure = new NodeFailure(error, text);
        const triggers = waiting.splice(0);
        for (const { done } of triggers) done(failure);
        if (isKnown && triggers.length === 0) return;
        status.trouble(error);
        if (triggers.length === 0) node.error(failure, { topic: camera, camera } as unknown as NodeMessage);
      },
    });
  }

  /** The camera of a source, as far as it is known without a message. */
  function fixedCamera(node: Node, { camera = '', cameraType = 'str' }: FrameDialog): string {
    if (cameraType !== 'str' && cameraType !== 'env') return '';
    return String(RED.util.evaluateNodeProperty(camera, cameraType, node, {}) ?? '');
  }

  RED.nodes.registerType('smolvlm-frame', SmolvlmFrameNode as never, {
    credentials: { user: { type: 'text' }, password: { type: 'password' } },
  });
};

function mayBeMasked({ masks }: FrameDialog): boolean {
  return masks !== undefined && masks !== '' && masks !== '[]' && masks.length !== 0;
}
