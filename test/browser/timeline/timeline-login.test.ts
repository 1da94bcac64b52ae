import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { LiveTimelines } from '../../../src/timeline/http/live-clients';
import { requestHeader } from '../../../src/timeline/http/timeline-api';
import { timelineRoutes } from '../../../src/timeline/http/timeline-routes';
import { demoFrame, repositoryRoot } from '../../fixtures';
import { hasChromium, openBrowser } from '../editor';
import { type Ingress, openIngress } from '../ingress';

interface NodeRed {
  readonly url: string;
  stop(): Promise<void>;
}

/** bcrypt of "a password". */
const hash = '$2b$04$7og.UUUjv5yzrBiI7Tz1r.JDO4KhKkgMwABHTj1IfFchpLUfgZDAO';

describe('the captions page of a Node-RED with logins, below a path and behind an ingress (needs Chromium)', function () {
  this.timeout(120_000);
  let folder: string;
  let nodeRed: NodeRed;
  let front: Ingress;
  let stopEngine: () => Promise<void>;
  let page: Page;
  const faults: string[] = [];

  before(async function () {
    if (!hasChromium) this.skip();
    const script = (name: string) =>
      import(pathToFileURL(join(repositoryRoot, 'scripts', 'demo', name)).href);
    const { startNodeRed, freePort } = await script('node-red.mjs');
    folder = await mkdtemp(join(tmpdir(), 'smolvlm-timeline-'));
    const runtime = join(folder, 'run');
    stopEngine = async () => (await script('engine.mjs')).stopEngine(runtime);
    const flows = join(folder, 'given-flows.json');
    await writeFile(
      flows,
      JSON.stringify([
        { id: 'tab', type: 'tab', label: 'Flow' },
        { id: 'engine', type: 'smolvlm-engine', location: 'local', model: 'demo', idle: 30 },
        {
          id: 'caption',
          type: 'smolvlm-caption',
          z: 'tab',
          engine: 'engine',
          image: 'payload',
          imageType: 'msg',
          camera: 'driveway',
          cameraType: 'str',
          wires: [['home'], []],
        },
        {
          id: 'home',
          type: 'smolvlm-timeline',
          z: 'tab',
          folder: join(folder, 'timeline'),
          keep: 'picture',
          engine: 'engine',
          wires: [[], [], []],
        },
        injected('cat', 'frame_01_driveway_day.jpg'),
        injected('dog', 'frame_05_porch_day.jpg'),
      ]),
    );
    const user = (username: string, permissions: string) => ({ username, password: hash, permissions });
    nodeRed = await startNodeRed({
      root: repositoryRoot,
      folder,
      port: await freePort(0),
      flows,
      environment: { SMOLVLM_RUNTIME_DIR: runtime },
      log: () => {},
      settings: {
        httpAdminRoot: '/red',
        httpNodeRoot: '/flows',
        adminAuth: { type: 'credentials', users: [user('ada', '*'), user('guest', 'smolvlm-timeline.read')] },
        httpNodeAuth: { user: 'family', pass: hash },
      },
    });
    front = await openIngress(nodeRed.url);
    await answers(`${nodeRed.url}red/smolvlm-timeline/`);
    const token = await tokenOf('ada');
    await inject('cat', token);
    await kept(token);
  });
  after(async () => {
    await front?.close();
    await nodeRed?.stop();
    await stopEngine?.();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    await page?.context().close();
    assert.deepEqual(faults.splice(0), []);
    assert.deepEqual(front.strays, []);
  });

  const inject = async (id: string, token: string): Promise<void> => {
    const headers = { authorization: `Bearer ${token}` };
    const { ok } = await fetch(`${nodeRed.url}red/inject/${id}`, { method: 'POST', headers });
    assert.ok(ok);
  };
  /** Waits until the first caption is kept. */
  async function kept(token: string): Promise<void> {
    const headers = { authorization: `Bearer ${token}` };
    const address = `${nodeRed.url}red/smolvlm-timeline/timelines/home/entries`;
    for (let text = ''; !text.includes('A black cat'); ) {
      text = await (await fetch(address, { headers })).text();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  async function tokenOf(username: string): Promise<string> {
    const body = new URLSearchParams({
      client_id: 'node-red-editor',
      grant_type: 'password',
      scope: '',
      username,
      password: 'a password',
    });
    const response = await fetch(`${nodeRed.url}red/auth/token`, { method: 'POST', body });
    return ((await response.json()) as { readonly access_token: string }).access_token;
  }
  async function open(address: string, options: BrowserContextOptions = {}): Promise<void> {
    page = await (await openBrowser()).newPage({ locale: 'en-US', ...options });
    page.on('pageerror', ({ message }) => faults.push(message));
    await page.goto(`${front.url}${address}`);
  }
  async function logIn(name: string, password: string): Promise<void> {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
  }
  const row = (text: string) => page.locator('li[data-entry]', { hasText: text });

  it('answers no route without a login, of the editor or of the flows', async () => {
    const authorized = { authorization: `Bearer ${await tokenOf('ada')}` };
    const basic = { authorization: `Basic ${Buffer.from('family:a password').toString('base64')}` };
    const wrong = { authorization: `Basic ${Buffer.from('family:wrong').toString('base64')}` };
    const roots = [
      ['red/smolvlm-timeline/', authorized, { authorization: 'Bearer wrong' }],
      ['flows/smolvlm-captions/', basic, wrong],
    ] as const;
    const list = await fetch(`${nodeRed.url}red/smolvlm-timeline/timelines/home/entries`, {
      headers: authorized,
    });
    const [{ id }] = ((await list.json()) as { readonly entries: readonly [{ readonly id: string }] })
      .entries;
    const routes = timelineRoutes({
      timelines: () => [],
      authentication: () => 'none',
      live: new LiveTimelines(),
    });
    for (const [root, right, false_] of roots) {
      for (const { method, path, access } of routes) {
        const address = `${nodeRed.url}${root}${path.replace(':timeline', 'home').replace(':entry', id)}`;
        const isPublic = access === 'public' && root.startsWith('red');
        for (const headers of [{}, false_]) {
          const response = await fetch(address, { method, headers: { ...headers, [requestHeader]: '1' } });
          const text = await response.text();
          assert.ok(!text.includes('A black cat'), address);
          if (!isPublic) assert.equal(response.status, 401, `${method} ${address}`);
          if (root.startsWith('flows'))
            assert.match(response.headers.get('www-authenticate') ?? '', /^Basic/);
        }
        if (method !== 'GET') continue;
        const allowed = await fetch(address, { headers: right });
        await allowed.body?.cancel();
        assert.ok(allowed.ok, `${address}: ${allowed.status}`);
      }
    }
  });

  it('has a calendar that a program with name and password subscribes to', async () => {
    const headers = { authorization: `Basic ${Buffer.from('family:a password').toString('base64')}` };
    const address = `${nodeRed.url}flows/smolvlm-captions/calendar.ics?camera=driveway`;
    const response = await fetch(address, { headers });
    const { default: ICAL } = await import('ical.js');
    const [event] = new ICAL.Component(ICAL.parse(await response.text())).getAllSubcomponents('vevent');
    assert.match(new ICAL.Event(event ?? assert.fail('no event')).summary, /^driveway: A black cat/);
    const etag = response.headers.get('etag') ?? '';
    const again = await fetch(response.url, { headers: { ...headers, 'if-none-match': etag } });
    assert.equal(again.status, 304);
  });

  it('shows the page after a login with name and password, with pictures', async () => {
    await open('red/smolvlm-timeline/', { viewport: { width: 390, height: 844 } });
    await logIn('ada', 'wrong');
    await page.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
    await logIn('ada', 'a password');
    await row('A black cat').click();
    const width = () =>
      page
        .locator('.entry-picture img')
        .evaluate((image) => (image as unknown as { readonly naturalWidth: number }).naturalWidth);
    while ((await width()) !== 640) await page.waitForTimeout(20);
  });

  it('takes the login of the editor, where there is one', async () => {
    await open('red/smolvlm-timeline/');
    const path = new URL(`${front.url}red/`).pathname.slice(0, -1);
    const value = JSON.stringify({ access_token: await tokenOf('ada') });
    await page.evaluate(
      ([key = '', token = '']) => {
        const { localStorage } = globalThis as unknown as {
          readonly localStorage: { setItem(name: string, value: string): void };
        };
        localStorage.setItem(key, token);
      },
      [`auth-tokens${path.replaceAll('/', '-')}`, value],
    );
    await page.reload();
    await row('A black cat').waitFor();
  });

  it('offers nothing that a user without the permission may not do', async () => {
    await open('red/smolvlm-timeline/');
    await logIn('guest', 'a password');
    await row('A black cat').locator('a').click();
    await page.locator('.entry .caption').waitFor();
    assert.equal(await page.locator('.entry .danger, .entry form').count(), 0);
  });

  it('shows what arrives, and asks the demo engine about a stored picture', async () => {
    await open('red/smolvlm-timeline/');
    await logIn('ada', 'a password');
    await page.locator('.live[data-state="live"]').waitFor();
    await inject('dog', await tokenOf('ada'));
    await row('A black dog').locator('a').click();
    await page.fill('#question', 'Describe this image.');
    await page.getByRole('button', { name: 'Ask' }).click();
    const answer = page.locator('.entry .answers dd');
    await answer.waitFor({ timeout: 90_000 });
    assert.match((await answer.textContent()) ?? '', /black dog/);
    await page.reload();
    await page.locator('.entry .answers dd').waitFor();
  });

  it('is there for users of the flows as well, with their password', async () => {
    const httpCredentials = { username: 'family', password: 'a password' };
    await open('flows/smolvlm-captions/', { httpCredentials });
    await row('A black cat').waitFor();
  });
});

/** An inject node that has a frame described. */
function injected(id: string, frame: string): object {
  const props = [{ p: 'payload' }];
  const payload = JSON.stringify([...readFileSync(demoFrame(frame))]);
  return { id, type: 'inject', z: 'tab', wires: [['caption']], props, payload, payloadType: 'bin' };
}

/** Waits until Node-RED has started. */
async function answers(url: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // It does not listen yet.
    }
    assert.ok(tries < 300, `${url} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
