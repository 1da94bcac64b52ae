import type { EventEmitter } from 'node:events';
import { types } from 'node:util';

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

/** What Express offers of a response, as an http in node puts it into its message. */
interface HttpResponse {
  readonly headersSent: boolean;
  set(name: string, value: string): HttpResponse;
  status(code: number): HttpResponse;
  type(name: string): HttpResponse;
  send(text: string): unknown;
}

/** Answers the HTTP request of a message with 503, unless there is none or its answer has begun. */
export function refuseRequest(message: object, sentence: string): void {
  const { res } = message as { readonly res?: { readonly _res?: Partial<HttpResponse> } };
  const response = types.isProxy(res) ? undefined : res?._res;
  if (typeof response?.status !== 'function' || response.headersSent !== false) return;
  (response as HttpResponse).status(503).set('Retry-After', '5').type('text/plain').send(sentence);
}
