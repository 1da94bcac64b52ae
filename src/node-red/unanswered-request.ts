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

/** What these nodes know of one HTTP request: a flow may have taken its message along several branches. */
interface Branches {
  /** Messages in these nodes. */
  open: number;
  /** Messages that have left through an output with a wire. */
  led: number;
}

/** By the `msg.res` that all messages of a request share. */
const requests = new WeakMap<object, Branches>();

/** Where the messages go that a node sends for one message; without an HTTP request it does nothing. */
export class MessageWays {
  readonly #node: Node & { readonly wires?: unknown };
  readonly #message: NodeMessage;
  readonly #response: unknown;
  readonly #branches: Branches | undefined;
  readonly #ledBefore: number;
  #lost: string | undefined;

  /** @param message with the `req` and `res` that it arrived with */
  constructor(node: Node, message: NodeMessage) {
    this.#node = node;
    this.#message = message;
    this.#response = Reflect.get(message, 'res');
    this.#branches = branchesOf(this.#response);
    this.#ledBefore = this.#branches?.led ?? 0;
    if (this.#branches) this.#branches.open++;
  }

  /** To be called before the messages are sent. */
  note(messages: readonly (NodeMessage | null)[]): void {
    if (!this.#branches) return;
    // A deployment may change the wires of a node that keeps running.
    const { wires } = this.#node;
    for (const [output, message] of messages.entries()) {
      if (!message || Reflect.get(message, 'res') !== this.#response) continue;
      if (!Array.isArray(wires) || wires[output]?.length) this.#branches.led++;
      else this.#lost ??= reasonOf(message);
    }
  }

  /**
   * To be called once. If all that was sent was a reason, through outputs without a wire, the request is refused a little
   * later, unless another branch works on it or has led on.
   * @param mayRefuse false if the message ends with an error, which Catch nodes receive
   */
  end(mayRefuse: boolean): void {
    const branches = this.#branches;
    if (!branches) return;
    branches.open--;
    const reason = this.#lost;
    const isLeft = (): boolean => branches.led === this.#ledBefore;
    if (!mayRefuse || reason === undefined || !isLeft()) return;
    setTimeout(() => {
      if (branches.open === 0 && isLeft()) refuseRequest(this.#message, reason);
    }, graceMs).unref();
  }
}

function branchesOf(response: unknown): Branches | undefined {
  if (typeof response !== 'object' || response === null) return undefined;
  const known = requests.get(response) ?? { open: 0, led: 0 };
  requests.set(response, known);
  return known;
}

/** As frames have it that were held back, dropped before they were encoded, or dropped before they were described. */
function reasonOf(message: object): string | undefined {
  const { frame, vision, caption } = message as Partial<
    Record<'frame' | 'vision' | 'caption', { readonly reason?: unknown }>
  >;
  return [caption?.reason, vision?.reason, frame?.reason].find((each) => typeof each === 'string');
}
