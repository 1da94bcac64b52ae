import { readFileSync } from 'node:fs';
import { SmolvlmError } from '../errors';

/** A file with a login or a certificate. Errors do not repeat its content. @throws SmolvlmError `nats-credentials` */
export function readNatsFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SmolvlmError('nats-credentials', `the file ${path} cannot be read: ${reason}`, { cause });
  }
  if (text !== '') return text;
  throw new SmolvlmError('nats-credentials', `the file ${path} is empty`);
}
