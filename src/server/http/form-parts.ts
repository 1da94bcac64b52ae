import { SmolvlmError } from '../../errors';
import { limits } from '../../protocol/limits';

type FormField = ReturnType<FormData['getAll']>[number];

/** The parts of a `POST /v1/frames/describe` body. */
export interface FormParts {
  /** Parsed JSON of the field `request`, not checked yet. */
  readonly request: unknown;
  readonly pictures: readonly Uint8Array[];
}

/** @throws SmolvlmError `request-form`, `request-json`, `request-too-large` */
export async function readFormParts(contentType: string, body: Buffer): Promise<FormParts> {
  let form: FormData;
  try {
    form = await new Response(body as Buffer<ArrayBuffer>, {
      headers: { 'content-type': contentType },
    }).formData();
  } catch (cause) {
    throw new SmolvlmError(
      'request-form',
      'expected a multipart/form-data body, received one that is incomplete or malformed',
      {
        hint: 'Send one field "request" (JSON) and one or more fields "image" (the pictures\' bytes).',
        cause,
      },
    );
  }
  for (const name of form.keys()) {
    if (name === 'request' || name === 'image') continue;
    throw new SmolvlmError('request-form', `expected the fields "request" and "image", received "${name}"`);
  }
  return {
    request: await readJson(form.getAll('request')),
    pictures: await readPictures(form.getAll('image')),
  };
}

async function readJson(fields: readonly FormField[]): Promise<unknown> {
  const [field, ...others] = fields;
  if (field === undefined || others.length > 0) {
    throw new SmolvlmError('request-form', `expected one field "request", received ${fields.length}`);
  }
  const text = typeof field === 'string' ? field : await field.text();
  if (text.length > limits.requestJsonBytes) {
    throw new SmolvlmError(
      'request-too-large',
      `expected at most ${limits.requestJsonBytes} bytes of JSON, received ${text.length}`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SmolvlmError('request-json', `expected JSON in the field "request": ${String(cause)}`, {
      cause,
    });
  }
}

async function readPictures(fields: readonly FormField[]): Promise<Uint8Array[]> {
  const pictures: Uint8Array[] = [];
  for (const field of fields) {
    if (typeof field === 'string') {
      throw new SmolvlmError(
        'request-form',
        'expected the field "image" to be a file part, received a text part',
        {
          hint: 'Give the part a file name: Content-Disposition: form-data; name="image"; filename="frame.jpg".',
        },
      );
    }
    pictures.push(new Uint8Array(await field.arrayBuffer()));
  }
  return checkSizes(pictures);
}

/** @throws SmolvlmError `request-too-large` */
export function checkSizes(pictures: Uint8Array[]): Uint8Array[] {
  if (pictures.length > limits.pictures) {
    throw new SmolvlmError(
      'request-too-large',
      `expected at most ${limits.pictures} pictures, received ${pictures.length}`,
    );
  }
  const largest = Math.max(0, ...pictures.map((picture) => picture.byteLength));
  if (largest > limits.pictureBytes) {
    throw new SmolvlmError(
      'request-too-large',
      `expected pictures of at most ${limits.pictureBytes} bytes, received one of ${largest}`,
    );
  }
  return pictures;
}
