import assert from 'node:assert/strict';
import helper from 'node-red-node-test-helper';
import { SmolvlmError } from '../../../src/errors';
import { registerDiscoveryAdmin } from '../../../src/node-red/engine/discovery-admin';
import type { FoundEngine } from '../../../src/protocol/found-engine';

helper.init(require.resolve('node-red'));

describe('Find engines in the dialog of smolvlm-engine', () => {
  const found: FoundEngine = {
    host: 'hub.local',
    url: 'http://192.168.1.5:8372',
    version: '0.1.0',
    protocol: 1,
    tls: false,
  };
  let searches = 0;
  let search: () => Promise<readonly FoundEngine[]>;

  before((done) => void helper.startServer(done));
  after((done) => void helper.stopServer(() => done()));
  beforeEach(async () => {
    searches = 0;
    search = async () => [found];
    const register = (RED: never): void =>
      registerDiscoveryAdmin(RED, () => {
        searches += 1;
        return search();
      });
    await helper.load(register as never, []);
  });
  afterEach(async () => void (await helper.unload()));

  const post = () =>
    helper
      .request()
      .post('/smolvlm-engine/find')
      .set('X-Requested-With', 'XMLHttpRequest')
      .field('dialog', '{}');

  it('lists what answers on the network, with one search for everybody who asks meanwhile', async () => {
    let answer = (_engines: readonly FoundEngine[]): void => {};
    const answered = new Promise<readonly FoundEngine[]>((resolve) => {
      answer = resolve;
    });
    search = () => answered;
    const responses = [post(), post()].map((request) => request.then(({ body }) => body));
    while (searches === 0) await new Promise(setImmediate);
    answer([found]);
    for (const body of await Promise.all(responses)) assert.deepEqual(body, { engines: [found] });
  });

  it('says why nothing can be found', async () => {
    search = async () => {
      throw new SmolvlmError('discovery-package', 'cannot load the package', { hint: 'Install it.' });
    };
    const { error } = (await post()).body as { error: { code: string; hint: string } };
    assert.deepEqual([error.code, error.hint], ['discovery-package', 'Install it.']);
  });

  it('refuses a form of another page, and searches nothing', async () => {
    const { body } = await helper.request().post('/smolvlm-engine/find').field('dialog', '{}');
    assert.equal((body as { error: { code: string } }).error.code, 'dialog-request');
    assert.equal(searches, 0);
  });
});
