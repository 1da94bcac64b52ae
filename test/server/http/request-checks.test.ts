import assert from 'node:assert/strict';
import type { DescribeRequest } from '../../../src/protocol/describe-request';
import type { DoctorReport } from '../../../src/protocol/doctor-report';
import { checkRequest } from '../../../src/server/http/request-checks';
import { serveFake } from '../served-fake';

describe('a field that the engine does not have', () => {
  it('is refused with the engine’s version, because a newer client may have sent it', async () => {
    const served = await serveFake();
    try {
      const body = new FormData();
      body.set('request', JSON.stringify({ id: 'newer', prompt: 'x', queue: { lanes: 3 } }));
      body.append('image', new Blob(['picture']), 'frame.jpg');
      const response = await fetch(`${served.url}/v1/frames/describe`, { method: 'POST', body });
      const { error } = (await response.json()) as { error: { message: string; hint: string } };
      assert.match(
        error.message,
        /^request\.queue has a field "lanes" that this engine \(version \d.*\) does not have$/,
      );
      assert.match(error.hint, /If the client is newer, update this package on the engine/);
    } finally {
      await served.close();
    }
  });
});

describe('a model in a request over TCP', () => {
  it('is named by id or alias, never by its folder', async () => {
    const served = await serveFake({ aliases: new Map([['porch', 'wide']]) });
    const status = async (model: string): Promise<number> => {
      const body = new FormData();
      body.set('request', JSON.stringify({ id: crypto.randomUUID(), prompt: 'x', model }));
      body.append('image', new Blob(['picture']), 'frame.jpg');
      const response = await fetch(`${served.url}/v1/frames/describe`, { method: 'POST', body });
      await response.text();
      return response.status;
    };
    try {
      assert.deepEqual(
        [await status('fake'), await status('porch'), await status('/etc'), await status('nothing')],
        [200, 200, 404, 404],
      );
      const doctor = await fetch(`${served.url}/v1/smolvlm/doctor?model=/etc`);
      const missing = await fetch(`${served.url}/v1/smolvlm/doctor?model=/nowhere`);
      const finding = async (response: Response): Promise<string> => {
        const { checks } = (await response.json()) as DoctorReport;
        return JSON.stringify(checks.find(({ id }) => id === 'bundle'));
      };
      // A folder that exists is not told from one that does not.
      const lacking = await finding(missing);
      assert.match(lacking, /nowhere/);
      assert.equal((await finding(doctor)).replaceAll('/etc', '/nowhere'), lacking);
    } finally {
      await served.close();
    }
  });
});

describe('capturedAt of a request', () => {
  it('must be a time', () => {
    const taken = { id: 'a', capturedAt: '2026-01-02T03:04:05.123456+01:00' };
    assert.deepEqual(checkRequest(taken, 1), taken);
    assert.throws(() => checkRequest({ id: 'a', capturedAt: 'yesterday' }, 1), {
      code: 'request-invalid',
      message: 'request.capturedAt must be a time in ISO 8601, received "yesterday"',
    });
  });
});

describe('queue.group of a request', () => {
  it('may be called queue.lane, as older clients call it', () => {
    const queue = { policy: 'newest', lane: 'question' } as DescribeRequest['queue'];
    const { queue: checked } = checkRequest({ id: 'a', ...(queue && { queue }) }, 1);
    assert.deepEqual(checked, { policy: 'newest', group: 'question' });
  });

  it('is accepted by either name, and refused when both are given', async () => {
    const served = await serveFake();
    const post = async (queue: object): Promise<number> => {
      const body = new FormData();
      body.set('request', JSON.stringify({ id: crypto.randomUUID(), prompt: 'x', queue }));
      body.append('image', new Blob(['picture']), 'frame.jpg');
      const response = await fetch(`${served.url}/v1/frames/describe`, { method: 'POST', body });
      await response.text();
      return response.status;
    };
    try {
      assert.equal(await post({ group: 'a' }), 200);
      assert.equal(await post({ lane: 'a' }), 200);
      assert.equal(await post({ group: 'a', lane: 'a' }), 400);
    } finally {
      await served.close();
    }
  });
});
