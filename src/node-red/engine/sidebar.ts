import type { NodeAPI } from 'node-red';
import type { EngineNode } from './engine-node';
import type { ListedEngine } from './engine-overview';

/** Of each engine node, the sequence of the last frame that the reader has. */
export type KnownFrames = ReadonlyMap<string, number>;

/** A healthy engine answers in milliseconds; one that is stopped must not hold up the others. */
const statusDeadlineMs = 2_000;

/**
 * Every deployed `smolvlm-engine`, in the order of the flow file.
 * @param deadline ends the wait for an engine that does not report its status; it is listed with an error
 */
export async function engineOverviews(
  RED: NodeAPI,
  known: KnownFrames,
  deadline = (): AbortSignal => AbortSignal.timeout(statusDeadlineMs),
): Promise<ListedEngine[]> {
  const listed: Promise<ListedEngine>[] = [];
  RED.nodes.eachNode(({ id, type }) => {
    if (type !== 'smolvlm-engine') return;
    const node = RED.nodes.getNode(id) as EngineNode | null;
    if (node?.overview) listed.push(listEngine(node, known.get(id) ?? 0, deadline()));
  });
  return await Promise.all(listed);
}

async function listEngine(node: EngineNode, sequence: number, deadline: AbortSignal): Promise<ListedEngine> {
  const { id, name = '', settings } = node;
  return { id, name, model: settings?.defaults.model ?? '', ...(await node.overview(sequence, deadline)) };
}

/** @param query `ID:SEQUENCE,…`; what is not so counts as not known */
export function knownFrames(query: unknown): KnownFrames {
  const known = new Map<string, number>();
  for (const part of typeof query === 'string' ? query.split(',') : []) {
    const at = part.lastIndexOf(':');
    const sequence = Number(part.slice(at + 1));
    if (at > 0 && Number.isSafeInteger(sequence)) known.set(part.slice(0, at), sequence);
  }
  return known;
}
