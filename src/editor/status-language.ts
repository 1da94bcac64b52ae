import { phrasesText } from '../node-red/status/phrase';
import { type ToldStatus, toldStatusTopic } from '../node-red/status/told-status';

/** What Node-RED sends of a node's status; its editor keeps this very object as the node's status. */
interface SentStatus {
  text?: string;
}

/** Shows the statuses of the smolvlm nodes in the editor's language: Node-RED sends them in its own. */
export function statusLanguage(): void {
  /** By the node's id. */
  const told = new Map<string, ToldStatus>();

  /** @returns whether the text has changed */
  function translate(id: string, status: SentStatus | undefined): boolean {
    const known = told.get(id);
    if (!known || status?.text !== known.text) return false;
    status.text = phrasesText(RED, known.phrases);
    return status.text !== known.text;
  }

  function redraw(id: string, status: (node: StatusNode) => SentStatus | undefined): void {
    const node = RED.nodes.node(id);
    if (!node || !translate(id, status(node))) return;
    node.dirtyStatus = true;
    RED.view.redrawStatus(node);
  }

  RED.comms.subscribe<Partial<ToldStatus>>(`${toldStatusTopic}/#`, (topic, { text, phrases }) => {
    const id = topic.slice(toldStatusTopic.length + 1);
    if (text === undefined || phrases === undefined) {
      told.delete(id);
      return;
    }
    told.set(id, { text, phrases });
    redraw(id, ({ status }) => status);
  });
  RED.comms.subscribe<SentStatus>('status/#', (topic, sent) =>
    redraw(topic.slice('status/'.length), () => sent),
  );
}
