import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ServedEngine, serveEngine } from '../../../src/server/serve-engine';
import { demoFrame, demoModel } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';
import { serveFake } from '../served-fake';
import { clientsFolder, hasPython, pythonClients } from './python-clients';

const token = 'a-token-of-this-test';
const run = promisify(execFile);

(hasPython ? describe : describe.skip)("clients of OpenAI's API (need Python 3.10)", function () {
  this.timeout(600_000);
  const temp = useTempFolder();
  let bin: string;

  before(async function () {
    // The first run fetches the packages.
    this.timeout(1_200_000);
    bin = await pythonClients();
  });

  it('openai, litellm and langchain chat, stream and parse by pydantic schemas, unmodified', async () => {
    const served: ServedEngine = await serveEngine({
      tcp: { host: '127.0.0.1', port: 0, token },
      model: demoModel,
      aliases: new Map([['gpt-4o-mini', demoModel]]),
      log: () => {},
    });
    try {
      const picture = temp('picture');
      const base64 = readFileSync(demoFrame('frame_05_porch_day.jpg')).toString('base64');
      writeFileSync(picture, `data:image/jpeg;base64,${base64}`);
      const script = join(clientsFolder, 'clients.py');
      const env = { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: 'True', LANGCHAIN_TRACING_V2: 'false' };
      const { stdout } = await run(join(bin, 'python'), [script, `${served.url}/v1`, token, picture], {
        env,
      });
      assert.equal(stdout.trim().split('\n').length, 6, stdout);
    } finally {
      await served.close();
    }
  });

  it('schemathesis finds no server error and no breach of /openapi.json in 2,000 cases', async () => {
    const served = await serveFake({ tcp: { host: '127.0.0.1', port: 0, token } });
    try {
      const { stdout } = await run(
        join(bin, 'schemathesis'),
        [
          ...['--config-file', join(clientsFolder, 'schemathesis.toml')],
          ...['run', `${served.url}/openapi.json`, '-H', `Authorization: Bearer ${token}`],
          ...[
            '--max-examples',
            '250',
            '--phases',
            'coverage,fuzzing',
            '--seed',
            '1',
            '--generation-database',
            'none',
          ],
        ],
        // It writes its caches where it runs.
        { cwd: temp(), maxBuffer: 64 * 1024 * 1024 },
      ).catch((error: { stdout: string }) => assert.fail(error.stdout.slice(-6000)));
      const [, cases = '0'] = /^ *(\d[\d,]*) generated/m.exec(stdout) ?? [];
      assert.ok(Number(cases.replaceAll(',', '')) >= 2000, stdout.slice(-2000));
    } finally {
      await served.close();
    }
  });
});
