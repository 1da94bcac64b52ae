import assert from 'node:assert/strict';
import { timelineHttpContract } from '../../contract/timeline-http-contract';
import { MemoryTimeline } from '../memory-timeline';
import { serveByEngine, serveByFlows, serveByNodeRed, serveWithSettings, token } from './served-timeline';

timelineHttpContract('an engine', serveByEngine);
timelineHttpContract('Node-RED to users of the editor', serveByNodeRed);
timelineHttpContract('Node-RED to users of the flows', serveByFlows);

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
      const served = await serveWithSettings(timeline, { settings, adminRoot: httpAdminRoot }, page);
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
