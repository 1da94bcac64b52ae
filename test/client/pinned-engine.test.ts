import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { selfSignedCertificate } from '../../src/cli/certificate/self-signed-certificate';
import { parseEngineAddress } from '../../src/client/engine-address';
import { EngineClient } from '../../src/client/engine-client';
import { serveFake } from '../server/served-fake';

const token = 'a-token-of-this-test';

describe('an engine with a self-signed certificate', () => {
  it('is used by its fingerprint only, and the token is not sent to another one', async () => {
    const tls = await selfSignedCertificate({ names: ['hub'], validFrom: new Date(), validDays: 1 });
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
