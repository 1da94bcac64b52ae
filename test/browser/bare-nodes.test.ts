import assert from 'node:assert/strict';
import { nodeFolders } from '../nodes/catalogs';
import { newestNode, nodeRed5, programOf } from '../package/test-runtimes';
import { Editor, hasChromium } from './editor';

/** What a node cannot do without. */
const needed: Readonly<Record<string, object>> = {
  'smolvlm-engine': { model: 'demo' },
  'smolvlm-caption': { engine: 'the-smolvlm-engine' },
  'smolvlm-vision': { engine: 'the-smolvlm-engine' },
  'smolvlm-mqtt': { engine: 'the-smolvlm-engine', broker: 'broker' },
};
const types = nodeFolders.filter((folder) => folder !== 'sidebar');
const bare = types.map((type) => ({
  id: `the-${type}`,
  type,
  name: '',
  ...(type !== 'smolvlm-engine' && { z: 'tab', x: 200, y: 100, wires: [[], []] }),
  ...needed[type],
}));

/** Fields that the editor calls wrong, of each node as it is in the flow file. */
const wrong = `Object.fromEntries(${JSON.stringify(types)}.map((type) => {
  const node = RED.nodes.node('the-' + type);
  RED.editor.validateNode(node);
  return [type, node.valid ? [] : node.validationErrors ?? 'invalid']; }))`;

/** The same of each node with the dialog's own values, but without one of its fields. */
const wrongWithoutOne = `${JSON.stringify(types)}.flatMap((type) => {
  const node = RED.nodes.node('the-' + type);
  const kept = ['name', ...Object.keys(${JSON.stringify(needed)}[type] ?? {})];
  const fields = Object.keys(node._def.defaults).filter((field) => !kept.includes(field));
  return fields.flatMap((left) => {
    for (const field of fields) {
      if (field === left) delete node[field];
      else node[field] = node._def.defaults[field].value;
    }
    RED.editor.validateNode(node);
    return node.valid ? [] : [type + ' without ' + left + ': ' + node.validationErrors];
  }); })`;

/** Fields of the open dialog with a red frame. */
const marked = `$('.red-ui-tray').last().find('.input-error').toArray().map(({ id, className }) => id || className)`;

describe('nodes of a flow written by hand in a browser (needs Chromium)', function () {
  this.timeout(180_000);
  before(function () {
    if (!hasChromium) this.skip();
  });

  for (const nodeRed of [4, 5]) {
    it(`are not marked for a field that is left out, in Node-RED ${nodeRed}`, async () => {
      const program = nodeRed === 5 ? await programOf({ node: newestNode, nodeRed: nodeRed5 }) : undefined;
      // Node-RED's own node has no defaults for these.
      const full = {
        broker: '127.0.0.1',
        port: '1',
        keepalive: '60',
        autoConnect: false,
        protocolVersion: '4',
      };
      const broker = { id: 'broker', type: 'mqtt-broker', name: '', ...full };
      const flow = [{ id: 'tab', type: 'tab', label: 'Flow' }, broker, ...bare];
      const editor = await Editor.open(flow, { program });
      try {
        const found = (await editor.page.evaluate(wrong)) as Readonly<Record<string, unknown>>;
        assert.deepEqual(found, Object.fromEntries(types.map((type) => [type, []])));
        for (const type of ['smolvlm-caption', 'smolvlm-frame', 'smolvlm-timeline', 'smolvlm-vision']) {
          await editor.edit(`the-${type}`);
          const image = `$('#node-input-image').typedInput('value')`;
          assert.equal(
            await editor.page.evaluate(image),
            type === 'smolvlm-timeline' ? 'picture' : 'payload',
          );
          assert.deepEqual(await editor.page.evaluate(marked), [], type);
          await editor.cancel();
        }
        assert.deepEqual(await editor.page.evaluate(wrongWithoutOne), []);
        assert.deepEqual(editor.faults, []);
      } finally {
        await editor.close();
      }
    });
  }
});
