import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSignedCertificate } from '../../src/cli/certificate/self-signed-certificate';
import { command as serve } from '../../src/cli/serve';
import { repositoryRoot } from '../fixtures';

const script = join(repositoryRoot, 'deploy', 'install.sh');

describe('deploy/install.sh', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function install(...args: string[]) {
    const environment = { ...process.env, DESTDIR: folder };
    return spawnSync('sh', [script, ...args], { env: environment, encoding: 'utf8' });
  }
  const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
  const mode = (path: string): number => statSync(join(folder, path)).mode & 0o777;

  it('writes unit, settings and a token that only its user may read, and prints the token', () => {
    const { status, stdout } = install('--model', 'demo', '--port', '9000');
    assert.equal(status, 0);
    const token = read('var/lib/smolvlm/token');
    assert.match(token, /^[0-9a-f]{48}$/);
    assert.equal(mode('var/lib/smolvlm/token'), 0o600);
    assert.ok(stdout.includes(`Its token: ${token}\n`));
    assert.match(read('etc/default/smolvlm'), /^SMOLVLM_SERVE_MODEL=demo\n.*\n?SMOLVLM_SERVE_PORT=9000$/ms);
    assert.equal(
      read('etc/systemd/system/smolvlm.service'),
      readFileSync(join(script, '../smolvlm.service'), 'utf8'),
    );
  });

  it('adds the user, its groups and the service, and downloads the model as that user', () => {
    const { stdout } = install();
    assert.match(stdout, /^\+ npm install --global --ignore-scripts .*node-red-smolvlm/m);
    assert.match(stdout, /^\+ useradd --system .* smolvlm$/m);
    assert.match(stdout, /^\+ runuser -u smolvlm -- .* smolvlm pull HuggingFaceTB\/SmolVLM-256M-Instruct$/m);
    assert.match(stdout, /^\+ systemctl enable smolvlm\.service\n\+ systemctl restart smolvlm\.service$/m);
    assert.ok(!install('--no-start').stdout.includes('systemctl restart'));
  });

  it('keeps token and settings when it runs again', () => {
    install('--model', 'demo');
    const token = read('var/lib/smolvlm/token');
    writeFileSync(join(folder, 'etc/default/smolvlm'), 'SMOLVLM_SERVE_MODEL=mine\n');
    assert.equal(install('--model', 'demo').status, 0);
    assert.equal(read('var/lib/smolvlm/token'), token);
    assert.equal(read('etc/default/smolvlm'), 'SMOLVLM_SERVE_MODEL=mine\n');
  });

  it('makes a certificate once, serves with it and prints the fingerprint; announces nothing if it is told so', async () => {
    const first = install('--model', 'demo', '--tls', '--no-announce');
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, /^\+ runuser .* smolvlm certificate --out \/var\/lib\/smolvlm\/tls$/m);
    assert.match(first.stdout, /^The engine's address: https:/m);
    const options =
      '--tls-cert /var/lib/smolvlm/tls/smolvlm-cert.pem --tls-key /var/lib/smolvlm/tls/smolvlm-key.pem';
    assert.ok(read('etc/default/smolvlm').includes(`SMOLVLM_SERVE_OPTIONS=${options} --no-announce\n`));
    const names = options.split(' ').filter((word) => word.startsWith('--'));
    for (const name of [...names, '--no-announce']) assert.ok(name.slice(2) in serve.options, name);

    const made = await selfSignedCertificate({ names: ['hub'], validFrom: new Date(), validDays: 1 });
    mkdirSync(join(folder, 'var/lib/smolvlm/tls'));
    writeFileSync(join(folder, 'var/lib/smolvlm/tls/smolvlm-cert.pem'), made.cert);
    const again = install('--model', 'demo', '--tls');
    assert.ok(!again.stdout.includes('smolvlm certificate'));
    assert.ok(again.stdout.includes(`/#sha256=${made.fingerprint}\n`));
    assert.ok(!again.stdout.includes('add to its SMOLVLM_SERVE_OPTIONS'));
  });

  it('prints the address, and downloads the model, of the settings that it keeps', () => {
    install('--model', 'org/mine', '--port', '9000', '--tls');
    const again = install('--port', '9001').stdout;
    assert.match(again, /^The engine's address: https:.*:9000$/m);
    assert.match(again, /^\+ runuser .* smolvlm pull org\/mine$/m);
    assert.match(again, /^\/etc\/default\/smolvlm is kept: there SMOLVLM_SERVE_PORT=9000$/m);
    const announced = install('--no-announce').stdout;
    assert.match(announced, /is kept: add to its SMOLVLM_SERVE_OPTIONS: --no-announce$/m);
  });

  it('writes nothing with --dry-run', () => {
    const { status, stdout } = install('--dry-run');
    assert.equal(status, 0);
    assert.match(stdout, /^\+ write \/etc\/systemd\/system\/smolvlm\.service$/m);
    assert.ok(!existsSync(join(folder, 'etc')) && !existsSync(join(folder, 'var')));
  });

  it('refuses wrong options before it changes anything', () => {
    for (const args of [['--port', 'x'], ['--port'], ['--colour'], ['--model', 'a b'], ['--host', '$(id)']]) {
      const { status, stderr } = install(...args);
      assert.equal(status, 1, args.join(' '));
      assert.match(stderr, /^install\.sh: /);
    }
    assert.ok(!existsSync(join(folder, 'etc')));
  });
});
