import type { Node, NodeAPI } from 'node-red';
import type { NodeStatus } from './node-status';
import { phrasesText } from './phrase';
import { type ToldStatus, toldStatusTopic } from './told-status';

/**
 * Shows the statuses of a node: to Status nodes and editors as a text in Node-RED's language, and to editors also as
 * phrases, because a text alone cannot be translated any more.
 */
export function showStatus(RED: NodeAPI, node: Node): (status: NodeStatus) => void {
  const topic = `${toldStatusTopic}/${node.id}`;
  // Kept for editors that are opened later, until the node is closed.
  node.on('close', () => RED.comms.publish(topic, {}, false));
  return ({ fill, shape, phrases }) => {
    const text = phrasesText(RED, phrases);
    RED.comms.publish(topic, { text, phrases } satisfies ToldStatus, true);
    node.status({ fill, shape, text });
  };
}
