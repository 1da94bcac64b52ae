import { types } from 'node:util';
import type { Node, NodeMessage } from 'node-red';

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

/** How long a Complete node, or a branch of the flow without one of these nodes, has for its answer. */
const graceMs = 1_000;

/** Messages of one HTTP request in these nodes: a flow may have taken it along several branches. */
interface RequestMessages {
  open: number;
  /** How many have left through an output with a wire. */
  passedOn: number;
}

/** By the `msg.res` that all messages of a request share. */
const requests = new WeakMap<object, RequestMessages>();

/** One message of an HTTP request in a node: watches what leaves for it. Without a request it does nothing. */
export class RequestBranch {
  readonly #node: Node & { readonly wires?: unknown };
  /** With the `req` and `res` that it arrived with. */
  readonly #needed: NodeMessage;
  readonly #arrived: readonly unknown[];
  readonly #response: unknown;
  readonly #request: RequestMessages | undefined;
  readonly #passedOnBefore: number;
  #lost: string | undefined;

  /** @param needed of the message, to answer its request */
  constructor(node: Node, message: NodeMessage, needed: NodeMessage) {
    this.#node = node;
    this.#needed = needed;
    this.#arrived = frameProperties(message);
    this.#response = Reflect.get(needed, 'res');
    this.#request = requestOf(this.#response);
    this.#passedOnBefore = this.#request?.passedOn ?? 0;
    if (this.#request) this.#request.open++;
  }

  /** To be called before the messages are sent. */
  leaves(messages: readonly (NodeMessage | null)[]): void {
    if (!this.#request) return;
    // A deployment may change the wires of a node that keeps running.
    const { wires } = this.#node;
    for (const [output, message] of messages.entries()) {
      if (!message || Reflect.get(message, 'res') !== this.#response) continue;
      if (!Array.isArray(wires) || wires[output]?.length) this.#request.passedOn++;
      else this.#lost ??= this.#reasonOf(message);
    }
  }

  /**
   * To be called once. If all that was sent was a reason, through outputs without a wire, the request is refused a little
   * later, unless another branch works on it or has passed it on.
   * @param mayRefuse false if the message ends with an error, which Catch nodes receive
   */
  end(mayRefuse: boolean): void {
    const request = this.#request;
    if (!request) return;
    request.open--;
    const reason = this.#lost;
    const isLeft = (): boolean => request.passedOn === this.#passedOnBefore;
    if (!mayRefuse || reason === undefined || !isLeft()) return;
    setTimeout(() => {
      if (request.open === 0 && isLeft()) refuseRequest(this.#needed, reason);
    }, graceMs).unref();
  }

  /** What an earlier node says of its frame is not this node's. */
  #reasonOf(message: NodeMessage): string | undefined {
    const own = frameProperties(message).filter((property) => !this.#arrived.includes(property));
    return own.map(reasonIn).find((reason) => reason !== undefined);
  }
}

function requestOf(response: unknown): RequestMessages | undefined {
  if (typeof response !== 'object' || response === null) return undefined;
  const known = requests.get(response) ?? { open: 0, passedOn: 0 };
  requests.set(response, known);
  return known;
}

/** What the nodes say of a frame: in `msg.frame`, `msg.vision` and `msg.caption`. */
function frameProperties(message: object): readonly unknown[] {
  return ['caption', 'vision', 'frame'].map((name): unknown => Reflect.get(message, name));
}

/** The reason of a frame that was dropped or held back; a caption that stands in for another has one too. */
function reasonIn(property: unknown): string | undefined {
  if (typeof property !== 'object' || property === null) return undefined;
  const { dropped, held, reason } = property as Readonly<Record<'dropped' | 'held' | 'reason', unknown>>;
  return typeof (dropped ?? held) === 'string' && typeof reason === 'string' ? reason : undefined;
}
