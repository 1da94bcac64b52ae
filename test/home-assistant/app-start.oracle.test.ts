import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../src/system/free-port';
import { repositoryRoot } from '../fixtures';
import { packedPackage, useSuiteFolder } from '../package/packed-package';

const app = join(repositoryRoot, 'home-assistant', 'smolvlm', 'rootfs', 'opt', 'smolvlm-app');

/** What the app's Dockerfile and the Supervisor do, in folders in place of a container. */
describe("Home Assistant's app, installed from the packed package", function () {
  this.timeout(400_000);
  const folder = useSuiteFolder();
  const data = join(folder, 'data');
  const prefix = join(folder, 'prefix');
  // As the image has it: no program but Node.js, npm and the shell's.
  const environment = {
    ...process.env,
    PATH: `${join(prefix, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`,
    npm_config_prefix: prefix,
  };
  let child: ChildProcess | undefined;
  let log = '';

  before(async () => {
    const files = join(folder, 'package');
    mkdirSync(files);
    mkdirSync(data);
    copyFileSync((await packedPackage()).file, join(files, 'rk3588-node-red-smolvlm-0.1.0.tgz'));
    execFileSync('sh', [join(app, 'install.sh'), '0.1.0', files], { env: environment, stdio: 'pipe' });
    assert.ok(!existsSync(files), 'the packed file does not stay in the image');
  });
  after(() => {
    child?.kill('SIGKILL');
  });

  it('starts with the saved options, describes a demo frame with the token of its log, and stops on SIGTERM', async () => {
    const options = {
      model: 'demo',
      aliases: ['gpt-4o-mini'],
      allow_image_urls: false,
      mqtt: false,
      cameras: [],
    };
    writeFileSync(join(data, 'options.json'), JSON.stringify(options));
    const [port, pagePort] = [await freePort(), await freePort()];
    const args = [join(app, 'run.mjs'), data, join(folder, 'run'), String(port), String(pagePort)];
    const started = spawn(process.execPath, args, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    started.stderr?.on('data', (bytes) => {
      log += bytes;
    });
    await until(() => log.includes('listens on'));
    const [, token = ''] = /shown this once: (\S+)/.exec(log) ?? [];
    assert.equal(readFileSync(join(data, 'token'), 'utf8').trim(), token);
    assert.equal(statSync(join(data, 'token')).mode & 0o777, 0o600);

    const watchdog = await fetch(`http://127.0.0.1:${port}/health`);
    assert.equal(watchdog.status, 200);
    // Ingress answers the Supervisor only.
    assert.equal((await fetch(`http://127.0.0.1:${pagePort}/`)).status, 403);

    const frame = readFileSync(join(repositoryRoot, 'models/demo-frames/frame_05_porch_day.jpg'), 'base64');
    const content = [
      { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${frame}` } },
      { type: 'text', text: 'Describe the picture.' },
    ];
    const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] }),
    });
    const { choices } = (await answer.json()) as { choices: [{ message: { content: string } }] };
    assert.match(choices[0].message.content, /porch|door/i);

    const exited = once(started, 'exit');
    started.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
    assert.deepEqual(readdirSync(data).sort(), ['models', 'options.json', 'token']);
  });

  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      assert.equal(child?.exitCode, null, log);
      await delay(50);
    }
  }
});
