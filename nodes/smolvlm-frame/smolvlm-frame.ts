import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import { ImageChild } from '../../src/client/image-child';
import { FrameGate } from '../../src/frame/frame-gate';
import type { FrameSource, SourceFrame } from '../../src/frame/frame-source';
import {
  type FrameDialog,
  frameSettings,
  sourceCredentials,
  sourceSettings,
} from '../../src/node-red/frame/frame-dialog';
import { type ArrivedPicture, FrameIntake, type FrameVerdict } from '../../src/node-red/frame/frame-intake';
import { frameMessage, heldMessage } from '../../src/node-red/frame/frame-message';
import { registerFrameSample } from '../../src/node-red/frame/frame-sample';
import { openFrameSource } from '../../src/node-red/frame/open-frame-source';
import { messageCamera } from '../../src/node-red/message-camera';
import { messagePictures } from '../../src/node-red/message-pictures';
import { timeOf } from '../../src/node-red/message-time';
import { NodeFailure } from '../../src/node-red/node-failure';
import { evaluate } from '../../src/node-red/typed-input';

type Message = NodeMessageInFlow & { camera?: unknown; capturedAt?: unknown; reset?: unknown };
type Credentials = { user?: string; password?: string };

/** What comes back with a verdict. */
interface Origin {
  readonly message: NodeMessage;
  readonly name?: string;
  readonly done?: (error?: Error) => void;
}

export = (RED: NodeAPI): void => {
  const child = new ImageChild();
  const sample = registerFrameSample(RED, child);

  function SmolvlmFrameNode(this: Node<Credentials>, config: NodeDef & FrameDialog): void {
    RED.nodes.createNode(this, config);
    const word = (key: string, values?: object): string => RED._(`smolvlm-frame.${key}`, values as never);
    const counts = { passed: 0, held: 0 };

    const show = (verdict: FrameVerdict): void => {
      if ('error' in verdict) {
        this.status({ fill: 'red', shape: 'dot', text: new NodeFailure(verdict.error).code });
      } else if ('held' in verdict) {
        const text = word(`status.held.${verdict.held.reason}`, counts);
        this.status({ fill: verdict.held.reason === 'stale' ? 'red' : 'yellow', shape: 'dot', text });
      } else {
        this.status({ fill: 'green', shape: 'dot', text: word('status.passed', counts) });
      }
    };

    const closing = new AbortController();
    const onVerdicts = (picture: ArrivedPicture<Origin>, verdicts: readonly FrameVerdict[]): void => {
      const { message, name, done } = picture.tag;
      if (closing.signal.aborted) {
        done?.();
        return;
      }
      let failure: NodeFailure | undefined;
      for (const verdict of verdicts) {
        const copy =
          verdicts.length > 1 ? RED.util.cloneMessage({ ...message, payload: undefined }) : message;
        if ('error' in verdict) {
          failure = new NodeFailure(verdict.error);
          if (!done) this.error(failure, { ...copy, camera: picture.camera } as NodeMessage);
        } else if ('held' in verdict) {
          counts.held++;
          const held = verdicts.length > 1 ? { ...copy, payload: message.payload } : copy;
          this.send([null, heldMessage(held, picture, verdict.held, verdict.zone)]);
        } else {
          counts.passed++;
          this.send([frameMessage(copy, picture, verdict.frame, { zone: verdict.zone, name }), null]);
        }
        show(verdict);
      }
      done?.(failure);
    };

    let opened: {
      readonly intake: FrameIntake<Origin>;
      readonly gate: FrameGate;
      readonly isMasked: boolean;
      readonly source?: FrameSource;
    };
    try {
      opened = open(this, config, onVerdicts, word);
    } catch (error) {
      const failure = new NodeFailure(error);
      this.status({ fill: 'red', shape: 'ring', text: failure.code });
      this.error(failure);
      this.on('input', (_message, _send, done) => done(failure));
      return;
    }
    const { intake, gate, source, isMasked } = opened;

    const take = async (message: Message): Promise<ArrivedPicture<Origin>> => {
      const field = { value: config.image || 'payload', type: config.imageType ?? 'msg' };
      const camera = await messageCamera(RED, this, config, message);
      const image = await evaluate(RED, this, field, message, 'image');
      // Nobody gets past the masks: neither the second output, nor a Catch node, nor what else the message carries.
      if (isMasked && field.type === 'msg') RED.util.setMessageProperty(message, field.value, undefined);
      const [bytes = new Uint8Array()] = await messagePictures(image, closing.signal);
      const at = timeOf(message.capturedAt);
      return { camera, bytes, ...(at !== undefined && { capturedAt: at }), tag: { message } };
    };

    this.on('input', (message: Message, _send, done) => {
      if (message.reset) {
        gate.reset(message.camera === undefined ? undefined : String(message.camera));
        done();
      } else if (source) {
        source.take();
        done();
      } else {
        take(message).then(
          (picture) => {
            if (closing.signal.aborted) {
              done();
              return;
            }
            sample.keep(this.id, picture.bytes);
            intake.offer({ ...picture, tag: { message, done } });
          },
          (error: unknown) => {
            const failure = new NodeFailure(error);
            this.status({ fill: 'red', shape: 'dot', text: failure.code });
            done(failure);
          },
        );
      }
    });
    this.on('close', (removed: boolean, closed: () => void) => {
      closing.abort();
      source?.close();
      // After a mere restart the dialog still has something to draw on.
      if (removed) sample.forget(this.id);
      closed();
    });
  }

  function open(
    node: Node<Credentials>,
    config: NodeDef & FrameDialog,
    onVerdicts: (picture: ArrivedPicture<Origin>, verdicts: readonly FrameVerdict[]) => void,
    word: (key: string) => string,
  ) {
    const { gate: gateSettings, options, zones } = frameSettings(config);
    const gate = new FrameGate(gateSettings);
    const prepare = child.prepare.bind(child);
    const intake = new FrameIntake<Origin>({ gate, prepare, options, zones, onVerdicts });
    const settings = sourceSettings(config);
    const key = fixedCamera(node, config) || config.name || node.id;
    let isConnected = false;
    const source = openFrameSource(settings, sourceCredentials(node.credentials), {
      onFrame: ({ bytes, capturedAt, name }: SourceFrame) => {
        sample.keep(node.id, bytes);
        const message = { _msgid: RED.util.generateId(), topic: key } as NodeMessage;
        intake.offer({
          camera: key,
          bytes,
          capturedAt,
          tag: { message, ...(name !== undefined && { name }) },
        });
      },
      onConnected: () => {
        if (!isConnected) node.status({ fill: 'green', shape: 'ring', text: word('status.connected') });
        isConnected = true;
      },
      onTrouble: (error) => {
        isConnected = false;
        node.status({ fill: 'red', shape: 'ring', text: error.code });
        node.error(new NodeFailure(error), { topic: key, camera: key } as unknown as NodeMessage);
      },
    });
    if (source) node.status({ fill: 'yellow', shape: 'ring', text: word('status.connecting') });
    else node.status({ fill: 'grey', shape: 'ring', text: word('status.idle') });
    return { intake, gate, isMasked: options.masks !== undefined, ...(source && { source }) };
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
