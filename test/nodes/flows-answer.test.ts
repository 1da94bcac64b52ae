import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ExampleNode, expectedCaption, Home } from '../examples/home';
import { repositoryRoot } from '../fixtures';

const frame = 'frame_05_porch_day.jpg';

describe('flows of test/fixtures/flows, in a real Node-RED', function () {
  this.timeout(300_000);
  let home: Home;
  before(async () => {
    home = await Home.start();
    home.show(frame, `/${frame}`);
  });
  after(() => home.close());

  /** @param more nodes, and wires to them by the id of the node they begin at */
  async function deploy(
    name: string,
    more: readonly object[] = [],
    wires: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const text = readFileSync(join(repositoryRoot, 'test/fixtures/flows', `${name}.json`), 'utf8');
    const nodes: ExampleNode[] = JSON.parse(text.replaceAll('http://127.0.0.1:8090', home.url));
    const wired = nodes.map((node) => {
      const to = wires[node.id];
      return to === undefined ? node : { ...node, wires: [[to]] };
    });
    await home.nodeRed.deploy([...wired, ...more.map((node) => ({ z: 't', x: 1, y: 1, ...node }))]);
  }
  const debug = (id: string, complete: string): object => ({
    ...{ id, type: 'debug', name: id, complete, targetType: 'full', console: true, active: true, wires: [] },
  });

  it('answers an HTTP request with the caption of the picture that it asks for', async () => {
    await deploy('http-in-snapshot-frame-hangs');
    for (let request = 0; request < 2; request++) {
      const answer = await fetch(`${home.nodeRed.url}/ask`, { signal: AbortSignal.timeout(120_000) });
      assert.deepEqual([answer.status, await answer.text()], [200, expectedCaption(frame)]);
    }
  });

  it('returns the caption to a link call', async () => {
    await deploy('link-call-snapshot-frame-times-out', [debug('returned', 'true')], { lc: 'returned' });
    await home.press('i');
    assert.ok((await home.told('returned')).includes(expectedCaption(frame)));
  });

  it('reports a prompt that is empty once its template is filled in', async () => {
    const failures = { id: 'failures', type: 'catch', scope: ['a'], wires: [['failed']] };
    await deploy('ask-with-empty-prompt', [failures, debug('failed', 'true')]);
    await home.press('i');
    assert.match(await home.told('failed'), /prompt-empty/);
  });

  it('leaves a node without a request idle while its engine works for another', async () => {
    const statuses = { id: 'statuses', type: 'status', scope: ['b'], wires: [['status-b']] };
    const captions = debug('caption-a', 'true');
    await deploy('two-nodes-one-engine-stuck-status', [statuses, captions, debug('status-b', 'true')], {
      a: 'caption-a',
    });
    const from = home.nodeRed.log.length;
    await home.press('i');
    await home.told('caption-a', from);
    const told = home.nodeRed.log.slice(from);
    assert.doesNotMatch(told, /starting engine/);
  });
});
