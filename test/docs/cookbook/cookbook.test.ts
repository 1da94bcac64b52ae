import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { repositoryRoot } from '../../fixtures';
import { editorDefinitions } from '../../package/editor-definitions';
import { namedInTables, readPage } from '../markdown';
import { type FlowNode, readCookbook } from './cookbook';

const recipes = readCookbook();

/** Fields that the editor keeps of each type of node: this package's and Node-RED's own. */
function readDialogs(): ReadonlyMap<string, readonly string[]> {
  const core = join(dirname(createRequire(__filename).resolve('@node-red/nodes/package.json')), 'core');
  const files = [join(repositoryRoot, 'dist', 'nodes'), core].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.html') && !path.includes('locales'))
      .map((path) => join(folder, path)),
  );
  const found = files.flatMap((path) => editorDefinitions(readFileSync(path, 'utf8')));
  return new Map(found.map(({ type, fields }) => [type, fields.defaults ?? []]));
}

describe('the cookbook', () => {
  const dialogs = readDialogs();

  it('has ten recipes, all in its table', () => {
    assert.equal(recipes.length, 10);
    const table = readPage('docs/cookbook/README.md').text;
    for (const { name } of recipes) assert.ok(table.includes(`](${name}.md)`), name);
    assert.deepEqual(namedInTables(readPage('docs/cookbook/README.md')), []);
  });

  for (const { name, text, nodes } of recipes) {
    it(`${name} says what to fill in and what is seen`, () => {
      assert.match(text, /^## Flow$/m);
      assert.match(text, /^## What you see$/m);
    });

    it(`${name} has nodes of this package and of Node-RED, with every field of their dialogs`, () => {
      for (const node of nodes.filter(({ type }) => type !== 'tab')) {
        const fields = dialogs.get(node.type);
        assert.ok(fields, `${node.type} exists`);
        const own = ['id', 'type', 'z', 'x', 'y', 'wires', ...fields];
        const unknown = Object.keys(node).filter((field) => !own.includes(field));
        // Node-RED writes some fields only with others of a node's settings.
        assert.deepEqual(
          unknown.filter((field) => !(node.type === 'switch' && field === 'outputs')),
          [],
          node.id,
        );
        // The shared engine is that of the examples, whose test has its fields.
        if (!/^smolvlm-(?!engine)/.test(node.type)) continue;
        assert.deepEqual(
          fields.filter((field) => !(field in node)),
          [],
          node.id,
        );
      }
    });

    it(`${name} has wires that end at its nodes, on its tab`, () => {
      const ids = nodes.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      for (const { id, wires = [], scope = [], z } of nodes) {
        for (const to of [wires, scope].flat(2)) assert.ok(ids.includes(String(to)), `${id} leads to ${to}`);
        assert.ok(z === undefined || z === `cookbook-${name}`, id);
      }
    });
  }

  it('meter accepts what a home can have used since the last accepted reading, however many were refused', () => {
    const check = recipes.flatMap(({ nodes }) => nodes).find(({ id }) => id === 'cookbook-meter-check');
    const context = new Map<string, unknown>();
    let hour = 0;
    const read = (reading: string): unknown => {
      const [accepted, refused]: readonly ({ payload: unknown } | null)[] = runInNewContext(
        `(() => { ${check?.func} })()`,
        {
          msg: { payload: { reading } },
          flow: { get: (key: string) => context.get(key), set: context.set.bind(context) },
          Date: { now: () => hour * 3_600_000 },
        },
      );
      hour += 1;
      return accepted?.payload ?? refused?.payload;
    };
    assert.deepEqual(['00100', '00101', '00104', '00099', '00105', '00105', '00108'].map(read), [
      100,
      101,
      '104 after 101',
      '99 after 101',
      105,
      105,
      '108 after 105',
    ]);
  });

  it('shares one engine node with the examples, and no other id', () => {
    const path = join(repositoryRoot, 'examples', 'snapshot to caption.json');
    const example: readonly FlowNode[] = JSON.parse(readFileSync(path, 'utf8'));
    const shared = example.find(({ type }) => type === 'smolvlm-engine');
    const engines = recipes.flatMap(({ nodes }) => nodes.filter(({ type }) => type === 'smolvlm-engine'));
    for (const engine of engines) assert.deepEqual({ ...shared, ...engine }, shared);
    const others = recipes.flatMap(({ nodes }) => nodes).filter(({ id }) => id !== shared?.id);
    assert.equal(new Set(others.map(({ id }) => id)).size, others.length);
  });
});
