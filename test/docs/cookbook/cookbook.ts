import assert from 'node:assert/strict';
import { readPages } from '../markdown';

export interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A page of the cookbook with its flow. */
export interface CookbookRecipe {
  /** `parcel` of docs/cookbook/parcel.md */
  readonly name: string;
  readonly text: string;
  readonly nodes: readonly FlowNode[];
}

export function readCookbook(): readonly CookbookRecipe[] {
  return readPages()
    .filter(({ path }) => /^docs\/cookbook\/(?!README)/.test(path))
    .map(({ path, text }) => {
      const [, block] = /^```json\n([\s\S]*?)^```/m.exec(text) ?? [];
      assert.ok(block, `${path} has a flow`);
      const name = path.replace(/.*\/|\.md$/g, '');
      return { name, text, nodes: JSON.parse(block) as readonly FlowNode[] };
    });
}
