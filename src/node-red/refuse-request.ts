import { types } from 'node:util';

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
