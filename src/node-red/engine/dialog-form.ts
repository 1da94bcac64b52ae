import type { IncomingMessage } from 'node:http';
import { SmolvlmError } from '../../errors';
import { limits } from '../../protocol/limits';
import { defined } from '../../system/defined';

/** What an open dialog in the editor sends: its fields and at most one picture. */
export interface DialogForm {
  /** The form field `dialog`: the current values, saved or not. */
  readonly dialog: Readonly<Record<string, unknown>>;
  /** The form field `picture`. */
  readonly picture?: Uint8Array;
}

/**
 * Reads `multipart/form-data`.
 * @throws SmolvlmError `dialog-request` if the request does not come from this editor's dialog, `dialog-too-large`
 */
export async function readDialogForm(request: IncomingMessage): Promise<DialogForm> {
  // A page from another origin can post a form, but it cannot set this header, which jQuery sets.
  if (request.headers['x-requested-with'] !== 'XMLHttpRequest')
    throw invalidRequest('the header X-Requested-With');
  const form = await parseForm(await readBody(request), request.headers['content-type'] ?? '');
  const picture = form.get('picture');
  return {
    dialog: parseFields(form.get('dialog')),
    ...defined({
      picture: picture instanceof Blob ? new Uint8Array(await picture.arrayBuffer()) : undefined,
    }),
  };
}

async function readBody(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const mostBytes = limits.pictureBytes + limits.requestJsonBytes;
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of request) {
    sizeBytes += part.length;
    if (sizeBytes > mostBytes) {
      throw new SmolvlmError(
        'dialog-too-large',
        `expected a picture of at most ${limits.pictureBytes} bytes, received more`,
        { hint: 'Choose a smaller picture.' },
      );
    }
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

async function parseForm(body: Uint8Array<ArrayBuffer>, contentType: string): Promise<FormData> {
  try {
    return await new Response(body, { headers: { 'content-type': contentType } }).formData();
  } catch (cause) {
    throw invalidRequest('multipart/form-data', cause);
  }
}

function parseFields(text: unknown): Readonly<Record<string, unknown>> {
  let fields: unknown;
  try {
    fields = typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch (cause) {
    throw invalidRequest('a form field "dialog" that is JSON', cause);
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw invalidRequest('a form field "dialog" with a JSON object');
  return fields as Record<string, unknown>;
}

function invalidRequest(expected: string, cause?: unknown): SmolvlmError {
  return new SmolvlmError('dialog-request', `expected ${expected} in the dialog's request`, {
    hint: 'Reload the editor: it may be older than the nodes.',
    cause,
  });
}
