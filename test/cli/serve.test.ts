import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineClient } from '../../src/client/engine-client';
import { repositoryRoot } from '../fixtures';
import { runSmolvlmHere } from './run-smolvlm-here';

const token = '0123456789abcdef0123456789abcdef';

describe('smolvlm serve', () => {
  let directory: string;
  let child: ChildProcess | undefined;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
    writeFileSync(join(directory, 'token'), `${token}\n`);
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  /** @returns exit status and stderr */
  async function run(...args: string[]): Promise<[number | null, string]> {
    const { status, stderr } = await runSmolvlmHere(['serve', ...args], { SMOLVLM_RUNTIME_DIR: directory });
    return [status, stderr];
  }

  async function said(process_: ChildProcess, expected: RegExp): Promise<string> {
    let text = '';
    while (!expected.test(text)) text += String(await once(process_.stderr ?? process_, 'data'));
    return text;
  }

  function start(
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
    stderr: 'pipe' | number = 'pipe',
  ): ChildProcess {
    child = spawn(process.execPath, [join(repositoryRoot, 'dist', 'cli', 'main.js'), 'serve', ...args], {
      stdio: ['ignore', 'ignore', stderr],
      env: { ...process.env, SMOLVLM_RUNTIME_DIR: directory, ...environment },
    });
    return child;
  }

  it('answers although the disk of its log is full', async () => {
    const socket = join(directory, 'engine.sock');
    const full = openSync('/dev/full', 'w');
    const process_ = start(['--socket', socket, '--log-level', 'debug'], {}, full);
    closeSync(full);
    const client = new EngineClient({ kind: 'socket', path: socket });
    assert.equal((await client.status()).pid, process_.pid);
    assert.equal((await client.status()).pid, process_.pid);
    const exited = once(process_, 'exit');
    process_.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  });

  it('answers on a port with the token, and ends cleanly on SIGTERM', async () => {
    chmodSync(join(directory, 'token'), 0o644);
    const process_ = start(['--port', '0', '--token-file', join(directory, 'token')]);
    const text = await said(process_, /listens on .*\n/);
    assert.match(text, /warning: other users can read the token file/);
    const [url = ''] = /http:\S+/.exec(text) ?? [];
    const client = new EngineClient({ kind: 'remote', url: new URL(url), token });
    assert.equal((await client.status()).pid, process_.pid);
    const stranger = new EngineClient({ kind: 'remote', url: new URL(url), token: 'wrong' });
    await assert.rejects(stranger.status(), { code: 'request-unauthorized' });
    const exited = once(process_, 'exit');
    process_.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
    await Promise.all([client.close(), stranger.close()]);
  });

  it('says that it listens on all addresses', async () => {
    const process_ = start(['--host', '0.0.0.0', '--port', '0', '--token-file', join(directory, 'token')]);
    assert.match(
      await said(process_, /listens on .*\n/),
      /listens on http:\/\/127\.0\.0\.1:\d+ and all other addresses\n/,
    );
  });

  it('takes its token from SMOLVLM_TOKEN, and the file’s token instead when there is a file', async () => {
    const own = 'fedcba9876543210fedcba9876543210';
    for (const [args, expected] of [
      [[], own],
      [['--token-file', join(directory, 'token')], token],
    ] as const) {
      const process_ = start(['--port', '0', ...args], { SMOLVLM_TOKEN: own });
      const [url = ''] = /http:\S+/.exec(await said(process_, /listens on .*\n/)) ?? [];
      const headers = { authorization: `Bearer ${expected}` };
      assert.equal((await fetch(`${url}/v1/status`, { headers })).status, 200);
      process_.kill('SIGKILL');
      await once(process_, 'close');
    }
  });

  it('ends with a failure when it uses more memory than it may, so that a service manager starts it again', async () => {
    const process_ = start(['--port', '0', '--no-token', '--model', 'demo', '--memory-limit-mb', '1']);
    const [url = ''] = /http:\S+/.exec(await said(process_, /listens on .*\n/)) ?? [];
    const exited = once(process_, 'exit');
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 });
    const headers = { 'content-type': 'application/json' };
    // The answer may be that the engine is stopping.
    await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body }).catch(() => undefined);
    assert.deepEqual(await exited, [1, null]);
  });

  it('refuses a runtime folder that other users can write to, and does not change it', async () => {
    chmodSync(directory, 0o1777);
    const [status, words] = await run();
    assert.deepEqual([status, statSync(directory).mode & 0o7777], [1, 0o1777]);
    assert.match(words, /\[runtime-dir\]/);
  });

  it('refuses an open port, a short token and a wrong number', async () => {
    const [open, words] = await run('--port', '0');
    assert.equal(open, 2);
    assert.match(words, /--token-file/);
    const [anybody, why] = await run('--host', '0.0.0.0', '--port', '0', '--no-token');
    assert.equal(anybody, 1);
    assert.match(why, /engine-token/);
    writeFileSync(join(directory, 'token'), 'short');
    assert.equal((await run('--port', '0', '--token-file', join(directory, 'token')))[0], 1);
    assert.equal((await run('--port', '70000', '--no-token'))[0], 2);
    assert.equal((await run('--port', '0', '--no-token', '--tls-cert', 'x'))[0], 2);
    for (const option of ['--token-file', '--tls-cert', '--tls-key']) {
      const [status, ignored] = await run('--socket', join(directory, 'engine.sock'), option, 'x');
      assert.equal(status, 2);
      assert.match(ignored, new RegExp(`${option} is for a port: give --host or --port too`));
    }
    const [tls, unread] = await run('--port', '0', '--no-token', '--tls-cert', 'x', '--tls-key', 'y');
    assert.equal(tls, 1);
    assert.match(unread, /engine-tls/);
  });
});
