import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

const require = createRequire(import.meta.url);

/** Ends the engine of a runtime folder that nothing else uses, if there is one. */
export async function stopEngine(runtime) {
  if (!existsSync(runtime) || !readdirSync(runtime).some((name) => name.endsWith('.sock'))) return;
  const { EngineClient } = require('../../dist/src/client/engine-client.js');
  const client = new EngineClient(
    { kind: 'local' },
    { local: { directory: runtime, startTimeoutMs: 1_000 } },
  );
  try {
    const { pid } = await client.status();
    await client.close();
    process.kill(pid, 'SIGTERM');
    for (let waited = 0; waited < 10_000 && alive(pid); waited += 100) await delay(100);
    if (alive(pid)) process.kill(pid, 'SIGKILL');
  } catch {
    await client.close();
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
