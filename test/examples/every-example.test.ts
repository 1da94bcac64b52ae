import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { repositoryRoot } from '../fixtures';
import { editorDefinitions } from '../package/editor-definitions';
import type { ExampleNode } from './home';

/** Where an example is run, when not in a test of the same name in this folder. */
const runElsewhere: Readonly<Record<string, string>> = {
  flows: 'e2e/demo.test.ts',
  'MQTT-triggered description': 'nodes/smolvlm-mqtt/mqtt-examples.test.ts',
  'Home Assistant entities by discovery': 'nodes/smolvlm-mqtt/mqtt-examples.test.ts',
  'Frigate event to description': 'nodes/smolvlm-mqtt/mqtt-examples.test.ts',
};

const folder = join(repositoryRoot, 'examples');

/** Fields of a type's dialog. */
function fieldsOf(type: string): readonly string[] {
  const html = readFileSync(join(repositoryRoot, 'dist', 'nodes', type, `${type}.html`), 'utf8');
  const fields = editorDefinitions(html).find((each) => each.type === type)?.fields.defaults;
  assert.ok(fields, `${type} registers its defaults`);
  return fields;
}

describe('every example', () => {
  for (const file of readdirSync(folder)) {
    const name = basename(file, '.json');
    const nodes: ExampleNode[] = JSON.parse(readFileSync(join(folder, file), 'utf8'));

    it(`${name} is run by a test`, () => {
      const own = `examples/${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.test.ts`;
      const path = join(repositoryRoot, 'test', runElsewhere[name] ?? own);
      assert.ok(existsSync(path), `write ${path}`);
      // The demo runs the file flows.json, by its own script.
      const run = name === 'flows' ? 'demo.mjs' : `run('${name}'`;
      assert.ok(readFileSync(path, 'utf8').includes(run), `${path} does not run ${name}`);
    });

    it(`${name} says on each tab what to fill in, and holds no secret`, () => {
      for (const { id } of nodes.filter(({ type }) => type === 'tab')) {
        const notes = nodes.filter(({ type, z }) => type === 'comment' && z === id);
        assert.ok(
          notes.some(({ info }) => info !== ''),
          `a comment with an explanation on ${id}`,
        );
      }
      assert.doesNotMatch(JSON.stringify(nodes), /"(credentials|password|token)":/);
    });

    it(`${name} quotes the names of the nodes to open, and shows errors as sentences`, () => {
      for (const { type, name: title, z } of nodes) {
        const text = String(title);
        if (type !== 'comment' || !/(^|\. )Open /.test(text)) continue;
        const quoted = [...text.matchAll(/"([^"]+)"/g)].map(([, each]) => each);
        assert.ok(quoted.length > 0, text);
        const there = nodes.filter((node) => node.z === z).map((node) => node.name);
        assert.deepEqual(
          quoted.filter((each) => !there.includes(each)),
          [],
          text,
        );
      }
      for (const { wires } of nodes.filter(({ type }) => type === 'catch')) {
        const shown = nodes.filter(({ id, type }) => type === 'debug' && [wires ?? []].flat(2).includes(id));
        for (const { complete } of shown) assert.equal(complete, 'error.message');
      }
    });

    it(`${name} fills in every field of this package's nodes`, () => {
      for (const node of nodes.filter(({ type }) => type.startsWith('smolvlm-'))) {
        const missing = fieldsOf(node.type).filter((field) => !(field in node));
        assert.deepEqual(missing, [], `${node.type} ${node.id}`);
      }
    });

    it(`${name} has unique ids, and wires that end at its nodes`, () => {
      const ids = nodes.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      for (const { id, wires, links, scope } of nodes) {
        for (const to of [wires ?? [], links ?? [], scope ?? []].flat(2)) {
          assert.ok(ids.includes(String(to)), `${id} leads to ${to}`);
        }
      }
    });
  }

  it('has ids that no other example has, except the engine that all share, so that all can be imported', () => {
    const examples = readdirSync(folder).map((file): ExampleNode[] =>
      JSON.parse(readFileSync(join(folder, file), 'utf8')),
    );
    const engines = examples
      .flat()
      .filter(({ type, location }) => type === 'smolvlm-engine' && location === 'local');
    const [shared] = engines;
    for (const engine of engines) assert.deepEqual(engine, shared);
    assert.equal(shared?.name, 'Captions');
    const others = examples.flat().filter(({ id }) => id !== shared?.id);
    assert.equal(new Set(others.map(({ id }) => id)).size, others.length);
  });
});
