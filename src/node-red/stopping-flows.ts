import type { EventEmitter } from 'node:events';

/** Deployments that stop the nodes of whole flows, Catch and http response nodes among them. */
const wholeFlows = ['full', 'flows'];

const known = new WeakMap<EventEmitter, StoppingFlows>();

/** Which nodes Node-RED is stopping. */
export class StoppingFlows {
  #stopsWholeFlows = false;

  /** @param events of the runtime: `RED.events` */
  constructor(events: EventEmitter) {
    events.on('flows:stopping', ({ type }: { readonly type?: string } = {}) => {
      this.#stopsWholeFlows = type === undefined || wholeFlows.includes(type);
    });
    events.on('flows:stopped', () => {
      this.#stopsWholeFlows = false;
    });
  }

  /** One for each runtime, whichever node asks. */
  static of(events: EventEmitter): StoppingFlows {
    const flows = known.get(events) ?? new StoppingFlows(events);
    known.set(events, flows);
    return flows;
  }

  /** A node that closes now closes together with every node that could answer its messages. */
  get stopsWholeFlows(): boolean {
    return this.#stopsWholeFlows;
  }
}
