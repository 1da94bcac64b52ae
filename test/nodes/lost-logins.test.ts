import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServedEngine } from '../../src/server/serve-engine';
import { Home } from '../examples/home';
import { demoFrame } from '../fixtures';
import { serveFake } from '../server/served-fake';

const tab = { id: 'tab', type: 'tab', label: 'case' };
const engine = { id: 'engine', type: 'smolvlm-engine', name: '', location: 'local', model: 'demo' };
const caption = { type: 'smolvlm-caption', engine: 'engine', preset: 'describe' };
const frame = { type: 'smolvlm-frame', source: 'snapshot', timeout: '5', retries: '0' };

/** As after an import, or with another credentialSecret: the flow is there, what Node-RED encrypts is not. */
describe('a flow whose logins are lost, in a real Node-RED', function () {
  this.timeout(300_000);
  let home: Home;
  let guarded: ServedEngine;
  const camera = createServer((_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' }).end();
  });
  const url = (): string => `http://127.0.0.1:${(camera.address() as AddressInfo).port}`;
  before(async () => {
    await new Promise<void>((resolve) => camera.listen(0, '127.0.0.1', resolve));
    guarded = await serveFake({ tcp: { host: '127.0.0.1', port: 0, token: '0123456789abcdef' } });
    home = await Home.start();
  });
  after(async () => {
    await home?.close();
    await guarded?.close();
    camera.close();
  });

  /** Sends a node a picture. @returns what a Catch or Status node then says of it */
  async function told(
    node: object,
    others: readonly object[],
    [kind, field]: readonly ['catch' | 'status', string] = ['catch', 'error.message'],
  ): Promise<string> {
    const from = home.nodeRed.log.length;
    const props = [{ p: 'payload', v: demoFrame('frame_09_street_day.jpg'), vt: 'str' }];
    const debug = { type: 'debug', complete: field, targetType: 'msg', console: true, active: true };
    const nodes = [
      { id: 'ask', type: 'inject', z: 'tab', props, wires: [['it']] },
      { id: 'it', z: 'tab', ...node, wires: [[], []] },
      { id: 'heard', type: kind, z: 'tab', scope: ['it'], wires: [['shown']] },
      { id: 'shown', name: 'shown', z: 'tab', ...debug, wires: [] },
    ];
    await home.nodeRed.deploy([tab, ...others, ...nodes.map((each) => ({ x: 1, y: 1, ...each }))]);
    await home.press('ask');
    return home.told('shown', from);
  }

  it('says that the camera’s user and password are missing, and where they are entered', async () => {
    const message = await told({ ...frame, url: `${url()}/snap.jpg` }, []);
    assert.match(
      message,
      /answered 401 Unauthorized, and no user and password are given\. The camera asks for a user and/,
    );
  });

  it('names the field whose place in the address is empty', async () => {
    const message = await told({ ...frame, url: `${url()}/snap.jpg?user={user}` }, []);
    assert.match(message, /user: expected a value for \{user\} in the address/);
  });

  it('says that the engine’s token is missing, and where it is entered', async () => {
    const elsewhere = { ...engine, location: 'remote', url: guarded.url };
    const message = await told(caption, [elsewhere]);
    assert.match(message, /bearer token, received none\. Enter the token in the engine's dialog and deploy/);
  });

  it('says of an engine on a disabled tab that it may be disabled', async () => {
    const off = { id: 'off', type: 'tab', label: 'off', disabled: true };
    const message = await told(caption, [off, { ...engine, z: 'off' }]);
    assert.match(message, /the chosen engine is missing, disabled, or part of another flow\. Open the node/);
  });
});
