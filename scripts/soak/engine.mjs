// An engine in its own process: sends its address over IPC, ends at SIGTERM or when its parent is gone.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { serveEngine } = require('../../dist/src/server/serve-engine.js');

const served = await serveEngine({
  tcp: { host: '127.0.0.1', port: 0 },
  model: 'demo',
  captionerModule: fileURLToPath(new URL('paced-captioner.mjs', import.meta.url)),
  log: (line) => process.stderr.write(`engine: ${line}\n`),
});
process.once('SIGTERM', () => void served.close());
process.once('disconnect', () => void served.close());
process.send({ url: served.url });
await served.closed;
process.exit();
