import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expectedCaption } from '../../examples/home';
import { demoFrame, repositoryRoot } from '../../fixtures';
import type { NodeRedProcess } from '../node-red-process';

const frame = 'frame_05_porch_day.jpg';

/**
 * Flows in which a request waits for the caption of a camera's picture: an HTTP request, and a link call behind one.
 * The flows are those of test/fixtures/flows, with the demo model in an engine on this machine.
 */
export async function captionOnRequest(nodeRed: NodeRedProcess): Promise<void> {
  const picture = readFileSync(demoFrame(frame));
  const camera = createServer((_request, response) => response.end(picture));
  await new Promise<void>((resolve) => camera.listen(0, '127.0.0.1', resolve));
  const { port } = camera.address() as AddressInfo;
  const flow = (name: string): Record<string, unknown>[] =>
    JSON.parse(
      readFileSync(join(repositoryRoot, 'test/fixtures/flows', `${name}.json`), 'utf8').replaceAll(
        'http://127.0.0.1:8090',
        `http://127.0.0.1:${port}`,
      ),
    );
  try {
    await nodeRed.deploy(flow('http-in-snapshot-frame-hangs'));
    await answersCaption(nodeRed);
    const linked = flow('link-call-snapshot-frame-times-out').map((node) =>
      // Long enough for a machine with other work; the caption comes back long before.
      node.type === 'link call' ? { ...node, timeout: '120', wires: [['response']] } : node,
    );
    await nodeRed.deploy([
      ...linked,
      { id: 'request', type: 'http in', z: 't', x: 1, y: 1, url: '/ask', method: 'get', wires: [['lc']] },
      { id: 'response', type: 'http response', z: 't', x: 1, y: 1, wires: [] },
    ]);
    await answersCaption(nodeRed);
  } finally {
    camera.closeAllConnections();
    camera.close();
  }
}

async function answersCaption(nodeRed: NodeRedProcess): Promise<void> {
  const answer = await fetch(`${nodeRed.url}/ask`, { signal: AbortSignal.timeout(120_000) });
  assert.deepEqual([answer.status, await answer.text()], [200, expectedCaption(frame)]);
}
