import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCookbook } from '../../docs/cookbook/cookbook';
import { repositoryRoot } from '../../fixtures';
import { Editor, hasChromium } from '../editor';

interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly preset?: string;
}

const folder = join(repositoryRoot, 'examples');
const examples: FlowNode[] = readdirSync(folder).flatMap((file) =>
  JSON.parse(readFileSync(join(folder, file), 'utf8')),
);
const all: readonly FlowNode[] = [...examples, ...readCookbook().flatMap((recipe) => recipe.nodes)];
/** All examples and the flows of the cookbook; the engine that they share counts once. */
const nodes = [...new Map(all.map((node) => [node.id, node])).values()];

/** Room between two nodes of a flow, in pixels of the editor. */
const room = { across: 8, down: 4 };

(hasChromium ? describe : describe.skip)(
  'the examples and the cookbook in the editor (needs Chromium)',
  function () {
    this.timeout(180_000);
    let editor: Editor;

    before(async () => {
      editor = await Editor.open(nodes);
    });
    after(() => editor.close());

    it('have no node that the editor marks as not filled in', async () => {
      const invalid = await editor.page.evaluate(
        `RED.nodes.filterNodes({}).filter((node) => node.valid === false)
        .map((node) => node.id + ': ' + JSON.stringify(node.validationErrors))`,
      );
      assert.deepEqual(invalid, []);
    });

    it('keep every field unchanged when a dialog is opened and closed with "Done"', async () => {
      // One of a kind: a caption node's dialog has seven faces, the others one.
      const kinds = new Map(nodes.map((node) => [`${node.type} ${node.preset ?? ''}`, node]));
      for (const { id, type } of kinds.values()) {
        if (!/^smolvlm-(?!engine)/.test(type)) continue;
        const fields = (): Promise<unknown> =>
          editor.page.evaluate(
            `(({ _def, ...node }) => Object.fromEntries(
            Object.keys(_def.defaults).map((field) => [field, node[field]])))(RED.nodes.node(${JSON.stringify(id)}))`,
          );
        const before = await fields();
        await editor.edit(id);
        await editor.save();
        assert.deepEqual(await fields(), before, id);
      }
    });

    it('lie open on each tab: no node covers another or leaves the sheet', async () => {
      const covered: string[] = [];
      for (const { id } of nodes.filter(({ type }) => type === 'tab')) {
        const onTab = `RED.nodes.filterNodes({ z: ${JSON.stringify(id)} })`;
        // Nodes have their width once they are drawn.
        await editor.page.evaluate(
          `RED.workspaces.show(${JSON.stringify(id)});
        ${onTab}.forEach((node) => { node.dirty = true; });
        RED.view.redraw(true, true);`,
        );
        await editor.page.waitForFunction(`${onTab}.every(({ w }) => w > 0)`);
        const boxes = (await editor.page.evaluate(
          `${onTab}.map(({ id, x, y, w, h }) => ({ id, x, y, w, h }))`,
        )) as { id: string; x: number; y: number; w: number; h: number }[];
        assert.ok(boxes.length > 0, id);
        for (const [index, one] of boxes.entries()) {
          if (one.x - one.w / 2 < 0 || one.y - one.h / 2 < 0) covered.push(`${one.id} leaves the sheet`);
          for (const other of boxes.slice(index + 1)) {
            const across = Math.abs(one.x - other.x) < (one.w + other.w) / 2 + room.across;
            const down = Math.abs(one.y - other.y) < (one.h + other.h) / 2 + room.down;
            if (across && down) covered.push(`${one.id} covers ${other.id}`);
          }
        }
      }
      assert.deepEqual(covered, []);
      assert.deepEqual(editor.faults, []);
    });
  },
);
