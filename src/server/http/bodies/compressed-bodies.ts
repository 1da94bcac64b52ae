import type { FastifyInstance } from 'fastify';
import { SmolvlmError } from '../../../errors';

/** Refuses compressed bodies: pictures do not get smaller, and a small body could unpack to any size. */
export function registerCompressedBodies(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ headers }) => {
    const encoding = headers['content-encoding'];
    if (encoding === undefined || /^(identity)?$/i.test(encoding.trim())) return;
    throw new SmolvlmError(
      'request-refused',
      `expected a body without Content-Encoding, received ${encoding.slice(0, 40)}`,
      { hint: 'Send the body uncompressed.' },
    );
  });
}
