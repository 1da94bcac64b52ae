import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../../src/cli/certificate';
import { certificateFingerprint } from '../../src/cli/certificate/self-signed-certificate';
import type { CommandIo, OptionValues } from '../../src/cli/command/command';
import { parseEngineAddress } from '../../src/client/engine-address';
import { EngineClient } from '../../src/client/engine-client';
import { readSettings } from '../../src/system/settings';
import { useCleanup } from '../cleanup';
import { serveFake } from '../server/served-fake';
import { useTempFolder } from '../temp-folder';

describe('smolvlm certificate', () => {
  const cleanup = useCleanup();
  const temp = useTempFolder();

  async function make(values: OptionValues): Promise<{ document: { fingerprint: string }; text: string }> {
    let printed: { document: { fingerprint: string }; text: string } | undefined;
    const io: CommandIo = {
      json: false,
      result: (document, text) => {
        printed = { document: document as { fingerprint: string }, text };
      },
      log: () => {},
      progress: () => {},
      signal: new AbortController().signal,
    };
    assert.equal(await command.run(values, [], io, readSettings({})), 0);
    assert.ok(printed);
    return printed;
  }

  it('makes a certificate for the names and a key that only its owner can read, and prints the fingerprint', async () => {
    const dir = temp('tls');
    const { document, text } = await make({ out: dir, name: ['hub.lan', '192.168.1.5'], days: '10' });
    const cert = readFileSync(join(dir, 'smolvlm-cert.pem'), 'utf8');
    const key = readFileSync(join(dir, 'smolvlm-key.pem'), 'utf8');
    const certificate = new X509Certificate(cert);
    assert.ok(certificate.checkPrivateKey(createPrivateKey(key)));
    assert.ok(certificate.verify(certificate.publicKey));
    assert.equal(certificate.subjectAltName, 'DNS:hub.lan, IP Address:192.168.1.5');
    const days = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 86_400_000;
    assert.equal(days, 10);
    assert.equal(statSync(join(dir, 'smolvlm-key.pem')).mode & 0o777, 0o600);
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(dir).sort(), ['smolvlm-cert.pem', 'smolvlm-key.pem']);
    assert.equal(document.fingerprint, certificateFingerprint(cert));
    assert.ok(text.includes(`https://hub.lan:8372/#sha256=${document.fingerprint}`));
    assert.ok(!text.includes(key.split('\n')[1] ?? key));
  });

  it('keeps what is there, unless it is told to replace it', async () => {
    const dir = temp('tls');
    const { document } = await make({ out: dir });
    await assert.rejects(make({ out: dir }), { code: 'certificate-exists' });
    const again = await make({ out: dir, replace: true });
    assert.notEqual(again.document.fingerprint, document.fingerprint);
    const lone = temp('lone');
    mkdirSync(lone);
    writeFileSync(join(lone, 'smolvlm-key.pem'), 'mine');
    await assert.rejects(make({ out: lone }), { code: 'certificate-exists' });
    assert.equal(readFileSync(join(lone, 'smolvlm-key.pem'), 'utf8'), 'mine');
  });

  it('refuses what is not a host name', async () => {
    for (const name of ['a b', 'http://hub', ''])
      await assert.rejects(make({ out: temp('x'), name: [name] }), { code: 'usage' });
  });

  it('serves an engine whose fingerprint a client pins; with another fingerprint nothing is sent', async () => {
    const dir = temp('tls');
    const { document } = await make({ out: dir, name: ['hub.lan'] });
    const tls = {
      cert: readFileSync(join(dir, 'smolvlm-cert.pem'), 'utf8'),
      key: readFileSync(join(dir, 'smolvlm-key.pem'), 'utf8'),
    };
    const served = await serveFake({ tcp: { host: '127.0.0.1', port: 0, tls } });
    cleanup(() => served.close());
    const connect = (fingerprint: string): EngineClient => {
      const address = parseEngineAddress(`${served.url}/#sha256=${fingerprint}`);
      const client = new EngineClient(address, { unreachableMs: 0 });
      cleanup(() => client.close());
      return client;
    };
    const pinned = connect(document.fingerprint);
    assert.equal((await pinned.status()).pid, process.pid);
    const wrong = connect('00'.repeat(32));
    await assert.rejects(wrong.status(), { code: 'engine-certificate' });
  });
});
