import type { Node, NodeAPI, NodeMessage } from 'node-red';
import type { ArrivedPicture, FrameVerdict } from '../../frame/frame-intake';
import { type FailureText, NodeFailure } from '../failures/node-failure';
import { frameMessage, heldMessage } from './frame-message';

/** A message that becomes the frame's message: it brought the picture, or asked for one. */
export interface Trigger {
  readonly message: NodeMessage;
  readonly send: (messages: (NodeMessage | null)[]) => void;
  /** Called once, after the frame was sent or held back. */
  readonly done: (error?: Error) => void;
}

/** What comes back with a verdict. */
export interface FrameOrigin {
  /** None: the source delivered the picture at its interval. */
  readonly triggers: readonly Trigger[];
  /** The file's, from a folder. */
  readonly name?: string;
}

/**
 * The tag of a source's newer picture that replaces one whose turn has not come: messages that wait for a picture get
 * the newer one. @returns undefined if no message waits
 */
export function withEarlierTriggers(older: FrameOrigin, newer: FrameOrigin): FrameOrigin | undefined {
  if (older.triggers.length === 0) return undefined;
  return { ...newer, triggers: [...older.triggers, ...newer.triggers] };
}

/** The node that sends frames, and how it words their errors. */
export interface FrameSender {
  readonly RED: NodeAPI;
  readonly node: Node;
  readonly text: FailureText;
}

/** Sends a picture's verdicts with each message that waits for them, else with a new message. */
export function deliver(
  { RED, node, text }: FrameSender,
  picture: ArrivedPicture<FrameOrigin>,
  verdicts: readonly FrameVerdict[],
): void {
  const { triggers, name } = picture.tag;
  for (const trigger of triggers.length > 0 ? triggers : [newMessage(RED, node, picture.camera)]) {
    try {
      trigger.done(deliverTo(trigger));
    } catch (error) {
      // The message cannot be copied for each zone.
      trigger.done(new NodeFailure(error, text));
    }
  }

  function deliverTo(trigger: Trigger): NodeFailure | undefined {
    const { message } = trigger;
    let failure: NodeFailure | undefined;
    for (const verdict of verdicts) {
      const copy = verdicts.length > 1 ? RED.util.cloneMessage({ ...message, payload: undefined }) : message;
      if ('error' in verdict) {
        failure ??= new NodeFailure(verdict.error, text);
      } else if ('held' in verdict) {
        const held = verdicts.length > 1 ? { ...copy, payload: message.payload } : copy;
        trigger.send([null, heldMessage(held, picture, verdict.held, verdict.zone)]);
      } else {
        // Each message has its own bytes: the next node may change them.
        const jpeg = triggers.length > 1 ? new Uint8Array(verdict.frame.jpeg) : verdict.frame.jpeg;
        const frame = { ...verdict.frame, jpeg };
        trigger.send([frameMessage(copy, picture, frame, { zone: verdict.zone, name }), null]);
      }
    }
    return failure;
  }
}

function newMessage(RED: NodeAPI, node: Node, camera: string): Trigger {
  const message = { _msgid: RED.util.generateId(), topic: camera } as NodeMessage;
  return {
    message,
    send: (messages) => node.send(messages),
    done: (error) => {
      if (error) node.error(error, { ...message, camera } as NodeMessage);
    },
  };
}
