import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { readPages } from './markdown';

interface StateTrigger {
  readonly trigger: string;
  readonly [key: string]: unknown;
}

/** The blocks of YAML in the pages, with the page that each is from. */
function readBlocks(): readonly (readonly [path: string, yaml: string])[] {
  return readPages().flatMap(({ path, text }) =>
    [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = '']) => [path, block] as const),
  );
}

describe('YAML in the pages', () => {
  const blocks = readBlocks();

  it('can be read', () => {
    assert.ok(blocks.length > 5);
    for (const [path, block] of blocks) assert.doesNotThrow(() => parse(block), `${path}: ${block}`);
  });

  it('triggers Home Assistant’s automations on a new state only: not on attributes, nor on a restart', () => {
    const triggers = blocks.flatMap(([path, block]) => {
      const document = parse(block) as { readonly triggers?: readonly StateTrigger[] } | null;
      return (document?.triggers ?? []).map((trigger) => [path, trigger] as const);
    });
    const states = triggers.filter(([, { trigger }]) => trigger === 'state');
    assert.ok(states.length >= 3);
    for (const [path, trigger] of states) {
      const at = `${path}: ${JSON.stringify(trigger)}`;
      // Without a condition on the state, a changed attribute triggers as well.
      assert.ok('to' in trigger || 'not_to' in trigger, at);
      assert.deepEqual(trigger.not_from, ['unavailable', 'unknown'], at);
      if (!('to' in trigger)) assert.deepEqual(trigger.not_to, ['unavailable', 'unknown'], at);
    }
  });
});
