import type { Node, NodeAPI, NodeMessage } from 'node-red';
import { defined } from '../../system/defined';
import type { DigestKind } from '../../timeline/digest';
import { messageCamera } from '../message-camera';
import { messagePictures, pictureInput } from '../message-pictures';
import type { Send } from '../open-messages';
import type { Translate } from '../translate';
import { evaluate } from '../typed-input';
import { digestText } from './digest-text';
import type { TimelineController } from './timeline-controller';
import { messageEntry, type TimelineMessage } from './timeline-message';
import { rowOf, searchQuery } from './timeline-search';
import type { TimelineDialog, TimelineSettings } from './timeline-settings';

/** A message to a timeline node. */
export type TimelineActionMessage = TimelineMessage & { readonly action?: unknown };

/** What an action has done, for the node's status. */
export type TimelineOutcome = { readonly kind: 'kept' } | { readonly kind: 'found'; readonly rows: number };

export interface TimelineActionsOptions {
  readonly RED: NodeAPI;
  readonly node: Node;
  readonly dialog: TimelineDialog;
  readonly settings: TimelineSettings;
  readonly controller: TimelineController;
  readonly translate: Translate;
  readonly onOutcome: (outcome: TimelineOutcome) => void;
}

const outputs = ['entry', 'rows', 'digest'] as const;

/** How long reading a message's picture may take. */
const pictureMs = 10_000;

/** What a message to a timeline node asks for: an entry to keep, a search, or a digest. */
export class TimelineActions {
  readonly #options: TimelineActionsOptions;

  constructor(options: TimelineActionsOptions) {
    this.#options = options;
  }

  /** @throws SmolvlmError `timeline-…`, `node-property`, and the `image-…` of reading, when the entry has been kept */
  run(message: TimelineActionMessage, send: Send): Promise<void> {
    const action = message.action ?? (message.caption === undefined ? message.topic : undefined);
    if (action === 'search') return this.#search(message, send);
    if (action === 'daily' || action === 'weekly')
      return this.digest(action, { atMs: Date.now() }, message, send);
    return this.#keep(message, send);
  }

  /** Sends a digest as the message's payload. @param times the end and, if it is not a day or a week before, the beginning */
  async digest(
    kind: DigestKind,
    { atMs, fromMs }: { readonly atMs: number; readonly fromMs?: number },
    message: NodeMessage,
    send: Send,
  ): Promise<void> {
    const { controller, translate } = this.#options;
    const digest = await controller.digest(kind, atMs, fromMs);
    const payload = digestText(digest, translate);
    send(to('digest', Object.assign(message, { payload, digest, topic: kind })));
  }

  async #search(message: TimelineActionMessage, send: Send): Promise<void> {
    const { controller, onOutcome } = this.#options;
    const page = await controller.search((cameras) => searchQuery(message.payload, cameras, Date.now()));
    const rows = page.entries.map(rowOf);
    send(to('rows', Object.assign(message, { payload: rows, ...defined({ next: page.next }) })));
    onOutcome({ kind: 'found', rows: rows.length });
  }

  async #keep(message: TimelineActionMessage, send: Send): Promise<void> {
    const { RED, node, dialog, settings, controller, onOutcome } = this.#options;
    const camera = await messageCamera(RED, node, dialog, message);
    const entry = messageEntry(message, camera, Date.now());
    if ('skipped' in entry) return;
    const read = settings.keep === 'none' ? {} : await this.#pictureOf(message);
    const { entry: kept, pictureError } = await controller.keep(entry, read.picture);
    send(to('entry', Object.assign(message, { entry: rowOf(kept) })));
    onOutcome({ kind: 'kept' });
    const error = read.error ?? pictureError;
    if (error !== undefined) throw error;
  }

  /** An entry is kept without a picture that cannot be read. */
  async #pictureOf(
    message: NodeMessage,
  ): Promise<{ readonly picture?: Uint8Array; readonly error?: unknown }> {
    const { RED, node, dialog } = this.#options;
    try {
      const value = await evaluate(RED, node, pictureInput(dialog, 'picture'), message, 'image');
      if (value === undefined || value === null || value === '') return {};
      const [picture] = await messagePictures(value, AbortSignal.timeout(pictureMs));
      return defined({ picture });
    } catch (error) {
      return { error };
    }
  }
}

function to(output: (typeof outputs)[number], message: NodeMessage): (NodeMessage | null)[] {
  return outputs.map((each) => (each === output ? message : null));
}
