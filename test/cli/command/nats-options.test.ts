import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { OptionValues } from '../../../src/cli/command/command';
import { natsOptions } from '../../../src/cli/command/nats-options';
import { openNats } from '../../../src/nats/nats-connection';
import { engineSettings } from '../../../src/node-red/engine/engine-settings';
import { jwtAccounts } from '../../nats/jwt-accounts';
import { hasNatsServer, TestNats } from '../../nats/test-server';
import { useTempFolder } from '../../temp-folder';

describe('the login of a NATS server', function () {
  this.timeout(30_000);
  const temp = useTempFolder();
  let server: TestNats | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  async function start(config: string): Promise<string> {
    server = await TestNats.start({ config });
    return server.url.replace('nats://', '');
  }

  function file(name: string, text: string): string {
    writeFileSync(temp(name), `${text}\n`);
    return temp(name);
  }

  /** @returns the code of the error, or the name of the stream */
  async function outcome(values: OptionValues): Promise<string> {
    try {
      const link = await openNats(natsOptions(values), 'test');
      await link.connection.close();
      return link.subjects.frameStream;
    } catch (error) {
      assert.doesNotMatch(String(error), /s3cret|wr0ng/);
      return (error as { readonly code: string }).code;
    }
  }

  it('may be a token in a file', async function () {
    if (!hasNatsServer) this.skip();
    const host = await start('authorization { token: "s3cret" }');
    const nats = `nats://${host}`;
    assert.equal(await outcome({ nats, 'nats-token-file': file('token', 's3cret') }), 'smolvlm');
    assert.equal(await outcome({ nats, 'nats-token-file': file('token', 'wr0ng') }), 'nats-login');
    assert.equal(await outcome({ nats }), 'nats-login');
  });

  it('may be a user with a password in a file, or in the dialog’s field Token', async function () {
    if (!hasNatsServer) this.skip();
    const host = await start('authorization { users: [{ user: hubs, password: "s3cret" }] }');
    const nats = `nats://hubs@${host}`;
    const password = (text: string): OptionValues => ({
      nats,
      'nats-password-file': file('password', text),
      'nats-stream': 'garage',
    });
    assert.equal(await outcome(password('s3cret')), 'garage');
    assert.equal(await outcome(password('wr0ng')), 'nats-login');
    const dialog = { location: 'group', url: nats, natsStream: 'garage' };
    const { address } = engineSettings(dialog, 's3cret', temp());
    assert.ok(address.kind === 'group');
    const link = await openNats(address.nats, 'test');
    assert.equal(link.subjects.frameStream, 'garage');
    await link.connection.close();
  });

  it('may be a credentials file of a server with accounts by JWT, for hubs and in the dialog', async function () {
    if (!hasNatsServer) this.skip();
    const { config, credentials } = jwtAccounts();
    const nats = `nats://${await start(config)}`;
    file('hub.creds', credentials);
    assert.equal(await outcome({ nats, 'nats-creds': temp('hub.creds') }), 'smolvlm');
    const stranger = file('other.creds', jwtAccounts().credentials);
    assert.equal(await outcome({ nats, 'nats-creds': stranger }), 'nats-login');
    assert.equal(await outcome({ nats, 'nats-creds': file('text', 's3cret') }), 'nats-login');
    const dialog = { location: 'group', url: nats, natsCreds: 'hub.creds' };
    const { address } = engineSettings(dialog, undefined, temp());
    assert.ok(address.kind === 'group');
    await (await openNats(address.nats, 'test')).connection.close();
  });

  it('goes through TLS with the certificate of the authority that is given, and not without it', async function () {
    if (!hasNatsServer) this.skip();
    const kind = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=nats'.split(' ');
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', temp('key.pem')];
    execFileSync('openssl', ['req', ...kind, ...names, '-out', temp('ca.pem')], { stdio: 'ignore' });
    const tls = `tls { cert_file: "${temp('ca.pem')}", key_file: "${temp('key.pem')}" }`;
    const nats = `tls://${await start(tls)}`;
    assert.equal(await outcome({ nats, 'nats-tls-ca': temp('ca.pem') }), 'smolvlm');
    assert.equal(await outcome({ nats }), 'nats-tls');
    assert.equal(await outcome({ nats, 'nats-tls-ca': temp('none.pem') }), 'nats-credentials');
  });

  it('is checked before anything is connected', async () => {
    const nats = 'nats://127.0.0.1:1';
    assert.equal(await outcome({}), 'usage');
    const token = file('token', 's3cret');
    assert.equal(await outcome({ nats, 'nats-token-file': token, 'nats-creds': token }), 'usage');
    assert.equal(await outcome({ nats, 'nats-password-file': token }), 'usage');
    assert.equal(await outcome({ nats: 'nats://me@127.0.0.1:1', 'nats-token-file': token }), 'usage');
    assert.equal(await outcome({ nats, 'nats-creds': temp('none') }), 'nats-credentials');
    assert.equal(await outcome({ nats, 'nats-creds': file('empty', '') }), 'nats-credentials');
    assert.equal(await outcome({ nats, 'nats-stream': 'a b' }), 'nats-address');
    for (const count of ['0', '2', '4', '7', 'x']) {
      assert.equal(await outcome({ nats, 'nats-replicas': count }), 'usage');
    }
  });
});
