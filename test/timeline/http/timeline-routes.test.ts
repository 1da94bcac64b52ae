import assert from 'node:assert/strict';
import { timelineFilesContract } from '../../contract/timeline-files-contract';
import { timelineHttpContract } from '../../contract/timeline-http-contract';
import { MemoryTimeline } from '../memory-timeline';
import { serveByEngine, serveByFlows, serveByNodeRed, serveWithSettings, token } from './served-timeline';

for (const [name, serve] of [
  ['an engine', serveByEngine],
  ['Node-RED to users of the editor', serveByNodeRed],
  ['Node-RED to users of the flows', serveByFlows],
] as const) {
  timelineHttpContract(name, serve);
  timelineFilesContract(name, serve);
}

describe('the calendar of an engine', () => {
  const timeline = { id: 'engine', name: 'Home', store: new MemoryTimeline() };
  const basic = (password: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}`,
  });

  it('is read with the token as password, as calendar programs send it', async () => {
    const served = await serveByEngine(timeline);
    const calendar = new URL('calendar.ics', served.url);
    for (const headers of [{}, basic('wrong'), basic(''), { authorization: 'Basic ?' }]) {
      const response = await fetch(calendar, { headers });
      assert.equal(response.status, 401);
      assert.match(response.headers.get('www-authenticate') ?? '', /^Basic realm=/);
    }
    assert.equal((await fetch(calendar, { headers: basic(token) })).status, 200);
    await served.close();
  });

  it('is the only address that takes the token as password', async () => {
    const served = await serveByEngine(timeline);
    for (const path of ['timelines', 'timelines/engine/entries', 'access']) {
      const response = await fetch(new URL(path, served.url), { headers: basic(token) });
      assert.deepEqual([response.status, response.headers.get('www-authenticate')], [401, null]);
    }
    await served.close();
  });
});

describe('the calendar of one of several timelines', () => {
  it('needs its id', async () => {
    const timelines = ['home', 'office'].map((id) => ({ id, name: id, store: new MemoryTimeline() }));
    const served = await serveWithSettings(timelines, { settings: {} }, 'smolvlm-timeline/');
    const response = await fetch(new URL('calendar.ics', served.url));
    assert.equal(response.status, 400);
    assert.match(await response.text(), /expected one of home, office/);
    const office = await fetch(new URL('calendar.ics?timeline=office', served.url));
    assert.match(await office.text(), /X-WR-CALNAME:office/);
    await served.close();
  });
});

describe('the captions page where only flows have a password', () => {
  const timeline = { id: 'home', name: 'Home', store: new MemoryTimeline() };

  it('is not readable at the editor’s address, which leads to the other one', async () => {
    const roots = [
      ['/', '/'],
      ['/admin', '/'],
      ['/', '/endpoint/'],
      ['/a/b', '/c/d/'],
    ] as const;
    for (const [httpAdminRoot, httpNodeRoot] of roots) {
      const settings = { httpNodeAuth: {}, httpAdminRoot, httpNodeRoot };
      const page = `${httpAdminRoot.slice(1)}/smolvlm-timeline/`.replace(/^\//, '');
      const served = await serveWithSettings([timeline], { settings, adminRoot: httpAdminRoot }, page);
      for (const address of [served.url, served.url.slice(0, -1)]) {
        const { status, headers } = await fetch(address, { redirect: 'manual' });
        assert.equal(status, 302);
        const target = new URL(headers.get('location') ?? '', address);
        assert.equal(target.pathname, `${httpNodeRoot}smolvlm-captions/`);
      }
      const authorization = `Bearer ${token}`;
      for (const path of ['timelines', 'timelines/home/entries', 'session']) {
        assert.equal((await fetch(new URL(path, served.url), { headers: { authorization } })).status, 401);
      }
      await served.close();
    }
  });
});

describe('the captions page where a login is set to nothing', () => {
  const timeline = { id: 'home', name: 'Home', store: new MemoryTimeline() };
  const status = async (settings: object, page: string): Promise<number> => {
    const served = await serveWithSettings([timeline], { settings }, page);
    const { status: answered } = await fetch(new URL('timelines/home/entries', served.url));
    await served.close();
    return answered;
  };

  for (const nothing of [null, false, '', undefined]) {
    it(`is not readable past the other login: ${JSON.stringify(nothing)}`, async () => {
      const flows = { adminAuth: {}, httpNodeAuth: nothing, httpNodeRoot: '/' };
      assert.equal(await status(flows, 'smolvlm-captions/'), 404);
      assert.equal(await status(flows, 'smolvlm-timeline/'), 401);
      const editor = { adminAuth: nothing, httpNodeAuth: {}, httpNodeRoot: '/' };
      assert.equal(await status(editor, 'smolvlm-captions/'), 401);
      assert.equal(await status(editor, 'smolvlm-timeline/'), 401);
    });
  }
});
