import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { selfSignedCertificate } from '../../src/cli/certificate/self-signed-certificate';
import { checkStream } from '../../src/nats/frame-streams';
import { parseNatsAddress } from '../../src/nats/nats-address';
import { closeNats, openNats } from '../../src/nats/nats-connection';
import { useTempFolder } from '../temp-folder';
import { hasNatsServer, TestNats } from './test-server';

describe('connection to a NATS server', function () {
  this.timeout(30_000);
  const folder = useTempFolder();

  it('says when no server answers', async () => {
    await assert.rejects(openNats(parseNatsAddress('nats://127.0.0.1:1'), 'test'), {
      code: 'nats-unreachable',
    });
  });

  it('says when the login is refused, without repeating the secret', async function () {
    if (!hasNatsServer) this.skip();
    const server = await TestNats.start({ config: 'authorization { token: "right" }' });
    const opened = openNats(parseNatsAddress(server.url, 'wrong-secret'), 'test');
    await assert.rejects(opened, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'nats-login');
      assert.ok(!error.message.includes('wrong-secret'));
      return true;
    });
    const link = await openNats(parseNatsAddress(server.url, 'right'), 'test');
    await link.connection.close();
    await server.close();
  });

  it('tells a certificate that is not trusted, and a server without TLS, from one that does not answer', async function () {
    if (!hasNatsServer) this.skip();
    const { cert, key } = await selfSignedCertificate({
      names: ['hub.local'],
      validFrom: new Date(Date.now() - 60_000),
      validDays: 1,
    });
    const [certFile, keyFile] = [folder('cert.pem'), folder('key.pem')];
    await writeFile(certFile, cert);
    await writeFile(keyFile, key);
    const server = await TestNats.start({
      config: `tls { cert_file: "${certFile}", key_file: "${keyFile}" }`,
    });
    const plain = await TestNats.start();
    const open = (url: string, more: object = {}) => openNats({ ...parseNatsAddress(url), ...more }, 'test');
    try {
      const tls = server.url.replace('nats:', 'tls:');
      await assert.rejects(open(tls), { code: 'nats-tls', message: /cannot be encrypted: self-signed/ });
      await assert.rejects(open(tls, { tlsCa: certFile }), { code: 'nats-tls', message: /127\.0\.0\.1/ });
      await assert.rejects(open(plain.url.replace('nats:', 'tls:')), { code: 'nats-tls' });
    } finally {
      await Promise.all([server.close(), plain.close()]);
    }
  });

  it('is closed while its server is away', async function () {
    if (!hasNatsServer) this.skip();
    const server = await TestNats.start();
    const link = await openNats(parseNatsAddress(server.url), 'test');
    const lost = (async () => {
      for await (const { type } of link.connection.status()) if (type === 'disconnect') return;
    })();
    await server.close();
    await lost;
    await closeNats(link);
    assert.ok(link.connection.isClosed());
  });

  it('says when the server runs without JetStream', async function () {
    if (!hasNatsServer) this.skip();
    const server = await TestNats.start({ jetstream: false });
    await assert.rejects(openNats(parseNatsAddress(server.url), 'test'), { code: 'nats-jetstream' });
    await server.close();
  });

  it('names how a stream of that name differs', () => {
    const wanted = { name: 'smolvlm', subjects: ['smolvlm.frames.>'], max_msgs_per_subject: 1 };
    checkStream(wanted, wanted);
    assert.throws(() => checkStream({ ...wanted, max_msgs_per_subject: -1 }, wanted), {
      code: 'nats-stream',
      message: /expected max_msgs_per_subject 1, received -1$/,
    });
  });
});
