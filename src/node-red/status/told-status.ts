import type { Phrase } from './phrase';

/** Topic, followed by a node's id, by which editors are told what a status consists of. */
export const toldStatusTopic = 'smolvlm/status';

/** What a status consists of, for editors in another language than Node-RED's. */
export interface ToldStatus {
  /** The text that Node-RED sends, in its own language. */
  readonly text: string;
  readonly phrases: readonly Phrase[];
}
