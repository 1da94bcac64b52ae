/** One part of a `multipart/form-data` body. */
export interface FormPart {
  readonly name: string;
  /** Whether the part has a file name. */
  readonly isFile: boolean;
  /** A view of the body. */
  readonly content: Buffer;
}

/**
 * Splits a body into its parts without copying them. `Response.formData()` copies a camera's frame three times, and the
 * copies make the garbage collector run every few frames.
 * @returns undefined for another media type and for a body that is incomplete or malformed
 */
export function splitMultipart(contentType: string, body: Buffer): FormPart[] | undefined {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) return undefined;
  const boundary = parameters(contentType).get('boundary') ?? '';
  if (boundary === '' || boundary.length > 70) return undefined;
  const opening = Buffer.from(`--${boundary}`, 'latin1');
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  if (!body.subarray(0, opening.length).equals(opening)) return undefined;
  const parts: FormPart[] = [];
  let at = opening.length;
  for (;;) {
    const next = body.toString('latin1', at, at + 2);
    if (next === '--') return parts;
    if (next !== '\r\n') return undefined;
    const end = body.indexOf(delimiter, at);
    const headersEnd = body.indexOf('\r\n\r\n', at);
    if (end < 0 || headersEnd < 0 || headersEnd + 4 > end + 2) return undefined;
    const part = parsePart(body.toString('utf8', at, headersEnd), body.subarray(headersEnd + 4, end));
    if (!part) return undefined;
    parts.push(part);
    at = end + delimiter.length;
  }
}

function parsePart(headers: string, content: Buffer): FormPart | undefined {
  const [, disposition] = /^content-disposition:[ \t]*form-data[ \t]*(;.*)$/im.exec(headers) ?? [];
  const fields = parameters(disposition ?? '');
  const name = fields.get('name');
  if (name === undefined) return undefined;
  return { name, isFile: fields.has('filename') || fields.has('filename*'), content };
}

/** `; name="value"; name=value`, names in lower case. */
function parameters(header: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', quoted, plain = ''] of header.matchAll(/;\s*([\w*-]+)=(?:"([^"]*)"|([^;\s]*))/g)) {
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), quoted ?? plain);
  }
  return found;
}
