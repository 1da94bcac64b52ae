import type { EventEmitter } from 'node:events';
import type { Node, NodeMessage } from 'node-red';
import { type FailureText, NodeFailure } from '../failures/node-failure';

const started = 'flows:started';

/**
 * Reports the errors of a node without an input, so that Catch nodes receive them. Node-RED connects Catch nodes when all
 * nodes of a flow are made: what fails before that is reported then.
 */
export class FlowErrors {
  readonly #node: Node;
  readonly #text: FailureText;
  #early: (() => void)[] | undefined = [];

  /** @param events of the runtime: `RED.events` */
  constructor(node: Node, events: EventEmitter, text: FailureText) {
    this.#node = node;
    this.#text = text;
    const flush = (): void => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const report of early) report();
    };
    events.once(started, flush);
    node.on('close', () => events.removeListener(started, flush));
  }

  /** @param message what Catch nodes receive beside the error */
  report(error: unknown, message: object = {}): void {
    // A Catch node only receives errors with a message.
    const report = (): void => this.#node.error(new NodeFailure(error, this.#text), message as NodeMessage);
    if (this.#early) this.#early.push(report);
    else report();
  }
}
