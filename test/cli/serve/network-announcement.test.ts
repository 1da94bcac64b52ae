import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { selfSignedCertificate } from '../../../src/cli/certificate/self-signed-certificate';
import { startAnnouncement } from '../../../src/cli/serve/network-announcement';
import { useCleanup } from '../../cleanup';

describe('the announcement of smolvlm serve', () => {
  const cleanup = useCleanup();
  const model = '/home/me/models/SmolVLM-256M-Instruct';
  const url = 'https://127.0.0.1:9000';

  it('names the model by its id and the certificate by its fingerprint, and says no token and no path', async () => {
    const { cert, key, fingerprint } = await selfSignedCertificate({
      names: ['hub.lan'],
      validFrom: new Date(),
      validDays: 1,
    });
    const token = '0123456789abcdef0123456789abcdef';
    const watcher = createSocket({ type: 'udp4', reuseAddr: true }).bind(0, '0.0.0.0');
    cleanup(() => watcher.close());
    await once(watcher, 'listening');
    watcher.addMembership('224.0.0.251', '127.0.0.1');
    const lines: string[] = [];
    const packet = once(watcher, 'message');
    const announcement = await startAnnouncement(
      { tcp: { host: '0.0.0.0', port: 0, token, tls: { cert, key } }, model },
      url,
      (line) => lines.push(line),
      { interface: '127.0.0.1', port: watcher.address().port },
    );
    cleanup(() => announcement?.close());
    const said = String((await packet)[0]);
    assert.match(lines.join('\n'), /^announced on the local network as \S+-9000-[0-9a-f]{6}; --no-announce/);
    for (const expected of ['_smolvlm', 'model=SmolVLM-256M-Instruct', `sha256=${fingerprint}`, 'tls=1']) {
      assert.ok(said.includes(expected), expected);
    }
    for (const secret of [token, '/home/me']) assert.ok(!said.includes(secret), secret);
  });

  it('is not sent by an engine on loopback or on a unix socket', async () => {
    const silent = (line: string): void => assert.fail(line);
    for (const host of ['127.0.0.1', 'localhost', '::1']) {
      assert.equal(await startAnnouncement({ tcp: { host, port: 9000 } }, url, silent), undefined);
    }
    assert.equal(await startAnnouncement({}, undefined, silent), undefined);
  });

  it('says once why it cannot be sent; the engine is served all the same', async () => {
    const holder = createSocket('udp4').bind(0, '0.0.0.0');
    cleanup(() => holder.close());
    await once(holder, 'listening');
    const lines: string[] = [];
    let report = (): void => {};
    const reported = new Promise<void>((resolve) => {
      report = resolve;
    });
    const log = (line: string): void => {
      lines.push(line);
      if (line.startsWith('the engine is not announced')) report();
    };
    const tcp = { host: '0.0.0.0', port: 0 };
    const { port } = holder.address();
    const announcement = await startAnnouncement({ tcp }, url, log, { interface: '127.0.0.1', port });
    cleanup(() => announcement?.close());
    await reported;
    assert.equal(lines.filter((line) => line.includes('not announced')).length, 1);
    assert.match(lines.join('\n'), /EADDRINUSE/);
  });
});
