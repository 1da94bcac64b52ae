import { SmolvlmError } from '../../../errors';
import { limits } from '../../../protocol/limits';
import { type FormPart, splitMultipart } from './multipart';

/** The parts of a `POST /v1/frames/describe` body. */
export interface FormParts {
  /** Parsed JSON of the field `request`, not checked yet. */
  readonly request: unknown;
  readonly pictures: readonly Uint8Array[];
}

/** @throws SmolvlmError `request-form`, `request-json`, `request-too-large` */
export function readFormParts(contentType: string, body: Buffer): FormParts {
  const parts = splitMultipart(contentType, body);
  if (!parts) {
    throw new SmolvlmError(
      'request-form',
      'expected a multipart/form-data body, received one that is incomplete or malformed',
      {
        hint: 'Send one field "request" (JSON) and one or more fields "image" (the pictures\' bytes).',
      },
    );
  }
  const other = parts.find(({ name }) => name !== 'request' && name !== 'image');
  if (other) {
    throw new SmolvlmError(
      'request-form',
      `expected the fields "request" and "image", received "${other.name}"`,
    );
  }
  return {
    request: readJson(parts.filter(({ name }) => name === 'request')),
    pictures: readPictures(parts.filter(({ name }) => name === 'image')),
  };
}

function readJson(fields: readonly FormPart[]): unknown {
  const [field, ...others] = fields;
  if (field === undefined || others.length > 0) {
    throw new SmolvlmError('request-form', `expected one field "request", received ${fields.length}`);
  }
  const text = new TextDecoder().decode(field.content);
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

function readPictures(fields: readonly FormPart[]): Uint8Array[] {
  if (!fields.every(({ isFile }) => isFile)) {
    throw new SmolvlmError(
      'request-form',
      'expected the field "image" to be a file part, received a text part',
      {
        hint: 'Give the part a file name: Content-Disposition: form-data; name="image"; filename="frame.jpg".',
      },
    );
  }
  return checkSizes(fields.map(({ content }) => content));
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
