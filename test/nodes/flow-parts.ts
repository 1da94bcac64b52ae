import { createRequire } from 'node:module';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';

helper.init(require.resolve('node-red'));

const core = createRequire(__filename);

/** Node-RED's own nodes; the helper loads only what it is given. */
export const catchNode: unknown = core('@node-red/nodes/core/common/25-catch.js');
export const completeNode: unknown = core('@node-red/nodes/core/common/24-complete.js');

/** Fields of an engine node with the demo model. */
export function localEngine(more: object = {}) {
  return {
    ...{ id: 'e', type: 'smolvlm-engine', location: 'local', model: 'demo', queueCapacity: 1, idle: 30 },
    ...more,
  };
}

/** Calls back with every message that reaches a node. */
export function onMessage<Message extends NodeMessage>(id: string, call: (message: Message) => void): void {
  helper.getNode(id).on('input', (message) => call(message as Message));
}

/** Adds the text of every status that a node shows. */
export function collectStatuses(id: string, into: string[]): void {
  const listen = (call: { firstArg: { text?: string } }): void => {
    into.push(call.firstArg.text ?? '');
  };
  helper.getNode(id).on('call:status' as 'input', listen as never);
}
