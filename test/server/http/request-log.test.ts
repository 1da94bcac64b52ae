import assert from 'node:assert/strict';
import fastify from 'fastify';
import { registerRequestLog } from '../../../src/server/http/request-log';

describe('the log of requests', () => {
  it('has a line with route, status and time for each, and nothing that a caller writes', async () => {
    const app = fastify();
    const lines: string[] = [];
    registerRequestLog(app, (line) => lines.push(line));
    app.get('/v1/models/:id', async () => ({}));
    await app.inject('/v1/models/my-secret?token=abc');
    await app.inject('/my-secret');
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /^127\.0\.0\.1 GET \/v1\/models\/:id: 200, \d+ ms$/);
    assert.match(lines[1] ?? '', /^127\.0\.0\.1 GET unknown path: 404, \d+ ms$/);
    assert.ok(!lines.join().includes('secret'));
    await app.close();
  });
});
