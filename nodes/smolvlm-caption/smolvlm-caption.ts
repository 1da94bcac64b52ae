import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import { SmolvlmError } from '../../src/errors';
import { type CaptionCall, CaptionCalls } from '../../src/node-red/caption-calls';
import {
  type CaptionDialog,
  type CaptionOverrides,
  defaultPrompt,
  requestOptions,
} from '../../src/node-red/caption-dialog';
import type { EngineNode } from '../../src/node-red/engine-node';
import { questionPictures } from '../../src/node-red/feature-handles';
import { messagePictures } from '../../src/node-red/message-pictures';
import { NodeFailure } from '../../src/node-red/node-failure';
import { type NodeStatus, StatusWords } from '../../src/node-red/node-status';
import { fillPrompt } from '../../src/node-red/prompt-template';
import { evaluate } from '../../src/node-red/typed-input';

type Message = NodeMessageInFlow & CaptionOverrides & { caption?: unknown; features?: unknown };

export = (RED: NodeAPI): void => {
  function SmolvlmCaptionNode(this: Node, config: NodeDef & CaptionDialog & { engine: string }): void {
    RED.nodes.createNode(this, config);
    const words = new StatusWords((key, values) => RED._(`smolvlm-caption.${key}`, values as never));
    const engineNode = RED.nodes.getNode(config.engine) as EngineNode | null;
    const opened = openCalls(engineNode, words, (status) => this.status(status));
    if (opened instanceof Error) {
      this.status({ fill: 'red', shape: 'ring', text: opened.code });
      this.on('input', (_message, _send, done) => done(opened));
      return;
    }
    const { calls, defaults } = opened;

    const prepare = async (message: Message, signal: AbortSignal): Promise<CaptionCall> => {
      const typed = (value: string, type: string, field: string): Promise<unknown> =>
        evaluate(RED, this, { value, type }, message, field);
      const camera =
        (await typed(config.camera ?? '', config.cameraType ?? 'str', 'camera')) ||
        message.camera ||
        message.topic;
      const image = (): Promise<unknown> =>
        typed(config.image || 'payload', config.imageType ?? 'msg', 'image');
      const options = requestOptions(config, message);
      return {
        request: {
          ...defaults,
          ...options,
          queue: { ...defaults.queue, ...options.queue },
          prompt: await prompt(typed, message),
          ...(camera && { camera: String(camera) }),
        },
        pictures: await questionPictures(message.features, this.id, async () =>
          messagePictures(await image(), signal),
        ),
      };
    };

    const prompt = async (
      typed: (value: string, type: string, field: string) => Promise<unknown>,
      message: Message,
    ): Promise<string> => {
      const { prompt: written = '', promptType = 'template' } = config;
      if (promptType !== 'template') return String((await typed(written, promptType, 'prompt')) ?? '');
      const template = written.trim() || (typeof message.prompt === 'string' ? message.prompt : '');
      return fillPrompt(template || defaultPrompt, message);
    };

    this.on('input', (message: Message, send: (out: (NodeMessage | null)[]) => void, done) => {
      void calls
        .run(message, (signal) => prepare(message, signal))
        .then((outcome) => {
          if (outcome.output === 'error') {
            const failure = new NodeFailure(outcome.error);
            this.status(words.failed(failure.code));
            done(failure);
            return;
          }
          send(outcome.output === 'result' ? [outcome.message, null] : [null, outcome.message]);
          done();
        });
    });
    this.on('close', () => calls.close());
  }
  RED.nodes.registerType('smolvlm-caption', SmolvlmCaptionNode as never);
};

/** @returns the failure that every message of the node ends in when there is no usable engine */
function openCalls(
  engineNode: EngineNode | null,
  words: StatusWords,
  show: (status: NodeStatus) => void,
): { calls: CaptionCalls; defaults: EngineNode['settings']['defaults'] } | NodeFailure {
  try {
    if (!engineNode?.engine) {
      throw new SmolvlmError('node-no-engine', 'no engine is chosen', {
        hint: 'Open the node and choose or add an engine.',
      });
    }
    return {
      calls: new CaptionCalls(engineNode.engine(), words, show),
      defaults: engineNode.settings.defaults,
    };
  } catch (error) {
    return error instanceof NodeFailure ? error : new NodeFailure(error);
  }
}
