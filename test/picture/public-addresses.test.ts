import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fetchPictureWith } from '../../src/picture/fetch-picture';
import { isPublicAddress, pictureHosts, publicAddresses } from '../../src/picture/public-addresses';

const inside = [
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1'],
  ...[
    '172.31.255.255',
    '192.0.0.8',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '239.1.1.1',
    '255.255.255.255',
  ],
  ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12::1', 'fec0::1', 'ff02::1', '2001:db8::1'],
  // IPv4 within IPv6: mapped, compatible, NAT64, 6to4, Teredo.
  ...[
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:8.8.8.8',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
  ],
  ...['2001:0:4136:e378:8000:63bf:3fff:fdd2', '', 'localhost'],
];

describe('public addresses', () => {
  it('are those that lead to the internet', () => {
    for (const address of ['8.8.8.8', '172.32.0.1', '192.167.1.1', '2606:4700:4700::1111']) {
      assert.equal(isPublicAddress(address), true, address);
    }
    for (const address of inside) assert.equal(isPublicAddress(address), false, address);
  });

  it('are the only ones that a host may resolve to', async () => {
    const table: Record<string, string[]> = {
      'rebound.example': ['127.0.0.1', '::1'],
      'both.example': ['10.0.0.1', '93.184.215.14'],
    };
    const resolve = publicAddresses([], async (host) => (table[host] ?? []).map((address) => ({ address })));
    await assert.rejects(resolve('rebound.example'), { code: 'image-host' });
    await assert.rejects(resolve('169.254.169.254'), { code: 'image-host' });
    assert.equal(await resolve('both.example'), '93.184.215.14');
  });

  it('are joined by hosts, addresses and networks that are allowed', async () => {
    const lookUp = async () => [{ address: '192.168.1.7' }];
    const resolve = publicAddresses(['Camera.lan', '192.168.2.0/24', 'fd00::/8'], lookUp);
    assert.equal(await resolve('camera.lan'), '192.168.1.7');
    assert.equal(await resolve('192.168.2.9'), '192.168.2.9');
    assert.equal(await resolve('fd12::5'), 'fd12::5');
    await assert.rejects(resolve('other.lan'), { code: 'image-host' });
    await assert.rejects(resolve('::ffff:192.168.3.9'), { code: 'image-host' });
    for (const wrong of ['http://camera', '10.0.0.0/33', 'a/b', '']) {
      assert.throws(() => publicAddresses([wrong]), { code: 'image-hosts' });
    }
  });

  it('are left out when only named hosts are allowed', async () => {
    const lookUp = async () => [{ address: '192.168.1.7' }];
    const resolve = pictureHosts(false, ['camera.lan', '192.168.2.0/24'], lookUp);
    assert.ok(resolve);
    assert.equal(await resolve('camera.lan'), '192.168.1.7');
    assert.equal(await resolve('192.168.2.9'), '192.168.2.9');
    for (const host of ['93.184.215.14', '2606:2800:21f::1', 'other.example']) {
      await assert.rejects(resolve(host), {
        code: 'image-host',
        message: `${host} is not a host of --allow-image-host`,
      });
    }
    assert.equal(await pictureHosts(true, ['camera.lan'], lookUp)?.('93.184.215.14'), '93.184.215.14');
    assert.equal(pictureHosts(false, []), undefined);
  });

  it('are not joined by a network that is wider than one of your own, nor by the link-local one', () => {
    const wide = ['0.0.0.0/0', '::/0', '10.0.0.0/7', '128.0.0.0/1', '169.254.0.0/16', '192.0.0.0/8'];
    for (const network of [...wide, '::ffff:0:0/96', 'fe80::/10', 'fc00::/6', '2000::/3']) {
      assert.throws(
        () => publicAddresses([network]),
        { code: 'image-hosts', message: /^expected a network within one of 10\.0\.0\.0\/8, / },
        network,
      );
    }
    for (const network of ['10.0.0.0/8', '172.16.9.0/24', '127.0.0.1/32', 'fc00::/7', '100.100.0.0/16']) {
      publicAddresses([network]);
    }
  });

  it('do not include loopback and private ones, however their numbers are written', async () => {
    let requests = 0;
    const server = createServer((_request, response) => {
      requests++;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '::', resolve));
    const { port } = server.address() as AddressInfo;
    const limits = { maxBytes: 1000, maxPixels: 0, fetchTimeoutMs: 5000 };
    const resolveHost = publicAddresses();
    const ipv4 = ['0x7f.1', '2130706433', '0177.0.0.1', '127.1', '0', '127.0.0.1.', '①②⑦.0.0.1', '0xa000001'];
    const ipv6 = ['[::1]', '[0:0:0:0:0:ffff:7f00:1]', '[::ffff:10.0.0.1]', '[64:ff9b::10.0.0.1]', '[::]'];
    try {
      for (const host of [...ipv4, ...ipv6, 'LOCALHOST']) {
        const fetching = fetchPictureWith(new URL(`http://${host}:${port}/`), limits, { resolveHost });
        await assert.rejects(fetching, { code: 'image-host' }, host);
      }
      assert.equal(requests, 0);
    } finally {
      server.close();
    }
  });

  it('are checked again at each redirect, before anything is sent there', async () => {
    let requests = 0;
    const server = createServer((request, response) => {
      requests++;
      const { port } = server.address() as AddressInfo;
      response.writeHead(302, { location: `http://metadata.example:${port}${request.url}again` }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const resolveHost = publicAddresses(['start.example'], async () => [{ address: '127.0.0.1' }]);
    const limits = { maxBytes: 1000, maxPixels: 0, fetchTimeoutMs: 5000 };
    try {
      const fetching = fetchPictureWith(new URL(`http://start.example:${port}/`), limits, { resolveHost });
      await assert.rejects(fetching, { code: 'image-host' });
      assert.equal(requests, 1);
    } finally {
      server.close();
    }
  });
});
