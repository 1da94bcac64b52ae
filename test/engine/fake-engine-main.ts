import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serveEngine } from '../../src/server/serve-engine';

// An engine process as `smolvlm serve` runs it, with the fake captioner. FAKE_ENGINE_FAILS makes it fail to start.

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { socket: { type: 'string' }, 'idle-exit': { type: 'string' } } });
  const failure = process.env.FAKE_ENGINE_FAILS;
  if (failure !== undefined) {
    process.stderr.write(`${failure}\n`);
    process.exit(1);
  }
  process.stderr.write(`engine ${process.pid} starts\n`);
  const served = await serveEngine({
    socketPath: values.socket ?? '',
    idleExitMs: 1000 * Number(values['idle-exit']),
    model: 'fake',
    queueCapacity: 10,
    hangMs: 1000,
    captionerModule: join(__dirname, '..', 'inference', 'fake-captioner.js'),
    log: (line) => process.stderr.write(`${line}\n`),
  });
  process.once('SIGTERM', () => void served.close());
  await served.closed;
}

void main();
