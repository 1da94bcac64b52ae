import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

const limitMs = 90_000;

/** Waits until a node shows a status that matches: its present one or a later one, however briefly. */
export async function statusShown(statuses: readonly string[], pattern: RegExp): Promise<void> {
  const from = Math.max(0, statuses.length - 1);
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += 20) {
    if (statuses.slice(from).some((text) => pattern.test(text))) return;
    await delay(20);
  }
  assert.fail(`no status ${pattern}: ${JSON.stringify(statuses)}`);
}
