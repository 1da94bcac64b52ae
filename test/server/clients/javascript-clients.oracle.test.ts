import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serveEngine } from '../../../src/server/serve-engine';
import { demoFrame, demoModel } from '../../fixtures';
import { keptPackages, newestNode, programOf, thisRuntime } from '../../package/test-runtimes';
import { clientsFolder } from './python-clients';

const token = 'a-token-of-this-test';

/** Newest on the package registry when this was written. They need Node.js 22. */
const packages = [
  ...['ai@7.0.173', '@ai-sdk/openai@4.0.118', '@ai-sdk/openai-compatible@3.0.92'],
  ...['openai@7.59.0', 'zod@4.6.7'],
];

describe('clients of OpenAI’s API for JavaScript', function () {
  this.timeout(600_000);

  it('openai and the AI SDK describe, stream and parse by zod schemas, unmodified', async () => {
    const { node } = await programOf({ node: newestNode, nodeRed: thisRuntime.nodeRed });
    const modules = await keptPackages('javascript-clients-1', packages);
    const served = await serveEngine({
      tcp: { host: '127.0.0.1', port: 0, token },
      model: demoModel,
      aliases: new Map([['gpt-4o-mini', demoModel]]),
      log: () => {},
    });
    try {
      const picture = demoFrame('frame_05_porch_day.jpg');
      const script = join(clientsFolder, 'clients.mjs');
      const args = [script, `${served.url}/v1`, token, picture, modules];
      const { stdout } = await promisify(execFile)(node, args, { env: { ...process.env, NO_PROXY: '*' } });
      const answers: { client: string; kind: string; value: string }[] = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        answers.map(({ client, kind }) => `${client}: ${kind}`),
        [
          ...['responses', 'chat', 'compatible'].flatMap((name) =>
            ['text stop', 'stream true', 'object'].map((kind) => `AI SDK, ${name}: ${kind}`),
          ),
          'openai: text stop',
          'openai: object',
        ],
      );
      const texts = answers.filter(({ kind }) => kind !== 'object').map(({ value }) => value);
      assert.deepEqual([...new Set(texts)].length, 1, stdout);
      assert.match(texts[0] ?? '', /^A .*\.$/);
    } finally {
      await served.close();
    }
  });
});
