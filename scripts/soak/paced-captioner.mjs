import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const captioner = require('../../dist/src/inference/captioner.js');

/** Time a frame takes at least. With four frames a second, more than a third of them finds no room, on any machine. */
const paceMs = Number(process.env.SOAK_PACE_MS ?? 400);

/** The real captioner, as slow as a larger model. */
export async function openCaptioner(options) {
  const opened = await captioner.openCaptioner(options);
  return {
    backend: opened.backend,
    memoryBytes: opened.memoryBytes,
    framesInFlight: opened.framesInFlight,
    async describe(pictures, request, hooks) {
      const [caption] = await Promise.all([
        opened.describe(pictures, request, hooks),
        delay(paceMs, undefined, { signal: hooks.signal }),
      ]);
      return caption;
    },
    close: () => opened.close(),
  };
}
