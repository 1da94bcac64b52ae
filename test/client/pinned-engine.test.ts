import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEngineAddress } from '../../src/client/engine-address';
import { EngineClient } from '../../src/client/engine-client';
import { serveFake } from '../server/served-fake';

const token = 'a-token-of-this-test';

/** A self-signed certificate; undefined without openssl. */
function selfSigned(): { readonly cert: string; readonly key: string } | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  const kind = [
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=hub',
  ];
  try {
    execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } catch {
    return undefined;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe('an engine with a self-signed certificate', () => {
  it('is used by its fingerprint only, and the token is not sent to another one', async function () {
    const tls = selfSigned();
    if (!tls) this.skip();
    const served = await serveFake({ tcp: { host: '127.0.0.1', port: 0, token, tls } });
    const { fingerprint256 } = new X509Certificate(tls.cert);
    const status = async (fragment: string): Promise<string> => {
      const client = new EngineClient(parseEngineAddress(`${served.url}/${fragment}`, token), {
        unreachableMs: 0,
      });
      try {
        return (await client.status()).state;
      } catch (error) {
        return (error as { code: string }).code;
      } finally {
        await client.close();
      }
    };
    try {
      assert.match(served.url ?? '', /^https:/);
      assert.equal(await status(`#sha256=${fingerprint256}`), 'ready');
      assert.equal(await status(`#sha256=${fingerprint256.replaceAll(':', '').toLowerCase()}`), 'ready');
      assert.equal(await status(`#sha256=${'0'.repeat(64)}`), 'engine-certificate');
      assert.equal(await status(''), 'engine-unreachable');
    } finally {
      await served.close();
    }
  });
});
