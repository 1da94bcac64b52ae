import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HubError, statusError } from '../../../src/model/hub/hub-error';
import { hubFetch, StallGuard, withRetries } from '../../../src/model/hub/hub-request';
import { hubSettings } from '../../../src/model/hub/hub-settings';
import { ManualClock } from '../../system/manual-clock';

const settings = { endpoint: '', stallTimeoutMs: 5000, attempts: 4, backoffMs: 1 };

describe('hubFetch', () => {
  let server: Server;
  let endpoint = '';
  const guards: StallGuard[] = [];
  const guard = (): StallGuard => {
    const made = new StallGuard(settings, endpoint);
    guards.push(made);
    return made;
  };

  beforeEach(async () => {
    server = createServer((request, response) => {
      const location = request.url === '/mirror/moved' ? 'there?x=1' : '/mirror/loop';
      if (request.url?.startsWith('/mirror/there')) response.end(request.headers.authorization ?? 'none');
      else response.writeHead(307, { location }).end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mirror`;
  });
  afterEach(async () => {
    for (const each of guards.splice(0)) each.stop();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  it('sends the token along with a relative redirect on the hub', async () => {
    const response = await hubFetch(
      { ...settings, endpoint, token: 't' },
      { path: '/moved', guard: guard() },
    );
    assert.equal(await response.text(), 'Bearer t');
  });

  it('ends a redirect loop', async () => {
    await assert.rejects(hubFetch({ ...settings, endpoint }, { path: '/loop', guard: guard() }), {
      code: 'hub-redirect',
      message: /more than 10 redirects/,
    });
  });

  it('does not go from https to http', async () => {
    const real = globalThis.fetch;
    globalThis.fetch = async () =>
      new Response(null, { status: 302, headers: { location: 'http://plain/x' } });
    try {
      await assert.rejects(
        hubFetch({ ...settings, endpoint: 'https://hub' }, { path: '/x', guard: guard() }),
        {
          code: 'hub-redirect',
          message: 'hub redirects from https to http://plain',
        },
      );
    } finally {
      globalThis.fetch = real;
    }
  });
});

describe('withRetries', () => {
  const mayPass = new HubError('hub-cut', 'cut', { retryable: true });

  it('tries as often as configured, and does not repeat what cannot succeed', async () => {
    let tries = 0;
    const failing = (error: Error) => () => {
      tries++;
      return Promise.reject(error);
    };
    await assert.rejects(withRetries(settings, failing(mayPass)), mayPass);
    assert.equal(tries, 4);
    tries = 0;
    await assert.rejects(withRetries(settings, failing(new HubError('hub-not-found', 'no'))), /no/);
    assert.equal(tries, 1);
  });

  it('counts from the beginning after a try that received something', async () => {
    let tries = 0;
    const action = async (): Promise<string> => {
      if (++tries < 10) throw mayPass;
      return 'done';
    };
    assert.equal(await withRetries(settings, action, undefined, () => tries < 9), 'done');
  });

  it('tells of each failed try before it waits for the next one', async () => {
    const clock = new ManualClock();
    const told: unknown[] = [];
    const patient = { ...settings, clock, backoffMs: 1000, attempts: 3 };
    const onRetry = (error: HubError, waitMs: number): number => told.push([error.code, waitMs, clock.now()]);
    const failing = withRetries({ ...patient, onRetry }, () => Promise.reject(mayPass));
    await clock.waitedFor(1000);
    assert.deepEqual(told, [['hub-cut', 1000, 0]]);
    clock.advance(1000);
    await clock.waitedFor(3000);
    clock.advance(2000);
    await assert.rejects(failing, mayPass);
    assert.deepEqual(told, [
      ['hub-cut', 1000, 0],
      ['hub-cut', 2000, 1000],
    ]);
  });

  it('stops waiting when it is aborted', async () => {
    const stop = new AbortController();
    const patient = { ...settings, backoffMs: 60_000 };
    const waiting = withRetries(patient, () => Promise.reject(mayPass), stop.signal);
    setImmediate(() => stop.abort(new Error('stopped by hand')));
    await assert.rejects(waiting, /stopped by hand/);
  });
});

describe('statusError', () => {
  const subject = { name: 'ORG/NAME at main', page: 'http://hub/ORG/NAME', withToken: true };
  const of = (status: number, headers: Record<string, string> = {}): HubError =>
    statusError(new Response(null, { status, headers }), subject);

  it('reads Retry-After as seconds or as a date, within bounds', () => {
    assert.equal(of(429, { 'retry-after': '7' }).retryAfterMs, 7000);
    assert.equal(of(503, { 'retry-after': '99999' }).retryAfterMs, 120_000);
    assert.equal(of(429, { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }).retryAfterMs, 0);
    assert.equal(of(429, { 'retry-after': 'soon' }).retryAfterMs, undefined);
  });

  it('has the page of a gated model in its hint', () => {
    assert.match(of(403, { 'x-error-message': 'gated' }).message, /status 403 \(gated\)/);
    assert.match(of(403).hint ?? '', /http:\/\/hub\/ORG\/NAME/);
  });
});

describe('hubSettings', () => {
  it('asks Hugging Face, or the endpoint it is given, with or without a token', () => {
    const { endpoint, token } = hubSettings({ endpoint: 'http://mirror/hf/', token: 'secret' });
    assert.deepEqual([endpoint, token], ['http://mirror/hf', 'secret']);
    assert.equal(hubSettings({}).endpoint, 'https://huggingface.co');
    assert.equal('token' in hubSettings({}), false);
  });

  it('refuses an endpoint that is not a web address', () => {
    assert.throws(() => hubSettings({ endpoint: 'mirror' }), {
      code: 'hub-endpoint',
      message: /"mirror"/,
    });
    assert.throws(() => hubSettings({ endpoint: 'file:///etc' }), { code: 'hub-endpoint' });
  });
});
