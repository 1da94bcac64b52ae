import { join } from 'node:path';
import { type ServedEngine, type ServeOptions, serveEngine } from '../../src/server/serve-engine';

/** An engine with the fake captioner on a loopback port. */
export function serveFake(options: Partial<ServeOptions> = {}): Promise<ServedEngine> {
  return serveEngine({
    tcp: { host: '127.0.0.1', port: 0 },
    model: 'fake',
    queueCapacity: 10,
    captionerModule: join(__dirname, '..', 'inference', 'fake-captioner.js'),
    log: () => {},
    ...options,
  });
}
