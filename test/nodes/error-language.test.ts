import assert from 'node:assert/strict';
import { Home } from '../examples/home';

const frame = {
  type: 'smolvlm-frame',
  z: 'tab',
  source: 'snapshot',
  timeout: '5',
  retries: '0',
  wires: [[], []],
};

describe('errors and statuses of a Node-RED whose language is German', function () {
  this.timeout(300_000);
  let home: Home;
  before(async () => {
    home = await Home.start(undefined, { lang: 'de' });
  });
  after(() => home.close());

  /** Asks a frame node for its picture. @returns what a debug node writes about it */
  async function told(node: object, kind: 'catch' | 'status', field: string): Promise<string> {
    const debug = { type: 'debug', complete: field, targetType: 'msg', console: true, active: true };
    const from = home.nodeRed.log.length;
    const nodes = [
      { id: 'ask', type: 'inject', z: 'tab', props: [], wires: [['frame']] },
      { id: 'frame', ...frame, ...node },
      { id: 'heard', type: kind, z: 'tab', scope: ['frame'], wires: [['shown']] },
      { id: 'shown', name: 'shown', z: 'tab', ...debug, wires: [] },
    ];
    const placed = nodes.map((each) => ({ x: 1, y: 1, ...each }));
    await home.nodeRed.deploy([{ id: 'tab', type: 'tab', label: 'case' }, ...placed]);
    await home.press('ask');
    return home.told('shown', from);
  }

  it('has the sentence and the way out of a camera that refuses the connection in German', async () => {
    const text = await told({ url: 'http://127.0.0.1:1/a.jpg' }, 'catch', 'error.message');
    assert.match(text, /Keine Antwort: Verbindung abgelehnt\. Prüfen Sie, ob die Kamera eingeschaltet ist/);
    assert.match(text, /http:\/\/127\.0\.0\.1:1\/a\.jpg/);
    const status = await told({ url: 'http://127.0.0.1:1/a.jpg' }, 'status', 'status.text');
    assert.match(status, /keine Antwort: Verbindung abgelehnt/);
  });

  it('names the field and its limits in German', async () => {
    const field = { url: `${home.url}/snapshot.jpg`, maxSide: '9' };
    assert.match(
      await told(field, 'catch', 'error.message'),
      /„Längste Seite“ prüfen\. Geben Sie statt 9 eine ganze Zahl von \d+ bis \d+ ein\./,
    );
  });
});
