import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EngineClient } from '../../src/client/engine-client';
import { demoFrame, repositoryRoot } from '../fixtures';
import { packedPackage, useSuiteFolder } from './packed-package';

const picture = readFileSync(demoFrame('frame_09_street_day.jpg'));
const cameras = ['a', 'b', 'c'];

// As when a second Node-RED of this user, or a shell, has a newer version of the package.
describe('two packed versions that use one runtime folder', function () {
  this.timeout(300_000);
  const folder = useSuiteFolder();
  const clients: EngineClient[] = [];
  after(() => Promise.all(clients.map((client) => client.close())));

  /** @returns a client from the packed files, which starts engines from them */
  async function clientOf(version: string): Promise<EngineClient> {
    const place = join(folder, version);
    mkdirSync(place);
    await promisify(execFile)('tar', ['-xzf', (await packedPackage()).file, '-C', place]);
    const root = join(place, 'package');
    const description = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    writeFileSync(join(root, 'package.json'), JSON.stringify({ ...description, version }));
    symlinkSync(join(repositoryRoot, 'node_modules'), join(place, 'node_modules'));
    const packed: typeof import('../../src/client/engine-client') = require(
      join(root, 'dist', 'src', 'client', 'engine-client.js'),
    );
    const local = { directory: join(folder, 'run'), idleExitSeconds: 0 };
    const client = new packed.EngineClient({ kind: 'local' }, { local });
    clients.push(client);
    return client;
  }

  it('has the newer client end the older engine while captions run, and no message is lost', async () => {
    const older = await clientOf('98.0.0');
    const newer = await clientOf('99.0.0');
    const answers: string[] = [];
    let sent = 0;
    let streaming = true;
    const caption = async (client: EngineClient, camera: string): Promise<void> => {
      const crop = { x: 0, y: 0, width: 1, height: 1 - (sent++ % 400) / 480 };
      const request = { model: 'demo', prompt: 'What is there?', camera, maxNewTokens: 4, crop };
      const final = await client.describe(request, [picture]);
      answers.push(final.type === 'result' ? 'caption' : JSON.stringify(final));
    };
    await caption(older, 'a');
    const first = await older.status();
    assert.equal(first.version, '98.0.0');
    const all = cameras.map(async (camera) => {
      while (streaming) await caption(older, camera);
    });
    await caption(newer, 'd');
    const before = answers.length;
    while (answers.length < before + 6) await caption(newer, 'd');
    streaming = false;
    await Promise.all(all);
    assert.deepEqual(
      answers.filter((answer) => answer !== 'caption'),
      [],
    );
    assert.equal(answers.length, sent);
    const [one, other] = [await older.status(), await newer.status()];
    assert.deepEqual([one.version, one.instance], ['99.0.0', other.instance]);
    assert.throws(() => process.kill(first.pid, 0), { code: 'ESRCH' });
  });
});
