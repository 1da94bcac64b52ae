import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { announceEngine } from '../../src/discovery/announce-engine';
import { findEngines, foundEngine } from '../../src/discovery/find-engines';
import type { EngineAnnouncement } from '../../src/protocol/found-engine';
import { ManualClock } from '../system/manual-clock';

const fingerprint = 'AB'.repeat(32);
const announcement: EngineAnnouncement = {
  version: '0.1.0',
  protocol: 1,
  model: 'HuggingFaceTB/SmolVLM-256M-Instruct',
  tls: true,
  fingerprint,
};

/** Real multicast packets, on the loopback interface and a port of this test alone. */
describe('engines on the network', () => {
  let multicast: { interface: string; port: number };
  beforeEach(async () => {
    multicast = { interface: '127.0.0.1', port: await freeUdpPort() };
  });

  it('are found with host, address, model, version and the fingerprint to pin, and no more after their goodbye', async () => {
    const engine = await announceEngine({
      ...multicast,
      enginePort: 8372,
      announcement,
      onError: assert.ifError,
    });
    const [found, ...more] = await search(1);
    assert.deepEqual(more, []);
    assert.match(found?.url ?? '', new RegExp(`^https://[\\d.]+:8372/#sha256=${fingerprint}$`));
    const { url: _, host, ...rest } = found ?? { host: '' };
    assert.deepEqual(rest, announcement);
    assert.match(host, /\.local$/);
    await engine.close();
    assert.deepEqual(await search(0), []);
  });

  it('are told apart by their port on one machine', async () => {
    const engines = await Promise.all(
      [8372, 8373].map((enginePort) =>
        announceEngine({ ...multicast, enginePort, announcement, onError: assert.ifError }),
      ),
    );
    const found = await search(2);
    assert.deepEqual(
      found.map(({ url }) => new URL(url).port),
      ['8372', '8373'],
    );
    await Promise.all(engines.map((engine) => engine.close()));
  });

  it('cannot be searched for on a port that another program keeps for itself, and the error says so', async () => {
    const holder = createSocket('udp4').bind(multicast.port, '0.0.0.0');
    await once(holder, 'listening');
    await assert.rejects(findEngines(multicast), { code: 'EADDRINUSE' });
    holder.close();
  });

  /** @param engines how many answer: the search's clock moves on when their answers have arrived */
  async function search(engines: number) {
    const clock = new ManualClock();
    const watcher = createSocket({ type: 'udp4', reuseAddr: true });
    watcher.bind(multicast.port, '0.0.0.0');
    await once(watcher, 'listening');
    watcher.addMembership('224.0.0.251', '127.0.0.1');
    const answers = new Set<string>();
    let queries = 0;
    const arrived = new Promise<void>((resolve) => {
      watcher.on('message', (packet) => {
        // The first bit of a DNS message's flags tells an answer from a query.
        if (((packet[2] ?? 0) & 0x80) === 0) queries += 1;
        else answers.add(packet.toString('base64'));
        if (queries > 0 && answers.size >= engines) resolve();
      });
    });
    const searching = findEngines({ ...multicast, clock });
    await clock.waitedFor();
    await arrived;
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    clock.advance(2_500);
    watcher.close();
    return await searching;
  }
});

describe('an announcement from the network', () => {
  const service = {
    host: 'hub.local',
    port: 8372,
    addresses: ['fe80::1', 'fd00::2', '192.168.1.5', '192.168.1.6'],
    referer: { address: '192.168.1.6', family: 'IPv4' as const, port: 5353, size: 1 },
    txt: { version: '0.1.0', protocol: '1', tls: '0', model: 'demo' },
  };

  it('leads to the address that it came from, or its first IPv4 address if a repeater sent it', () => {
    assert.equal(foundEngine(service)?.url, 'http://192.168.1.6:8372');
    const repeated = { ...service, referer: { ...service.referer, address: '10.0.0.1' } };
    assert.equal(foundEngine(repeated)?.url, 'http://192.168.1.5:8372');
    assert.equal(foundEngine({ ...service, addresses: ['fd00::2'] })?.url, 'http://[fd00::2]:8372');
    assert.equal(foundEngine({ ...service, addresses: [] })?.url, 'http://192.168.1.6:8372');
  });

  it('is refused if it is not an engine’s, and loses what is not of the right form', () => {
    assert.equal(foundEngine({ ...service, txt: {} }), undefined);
    assert.equal(foundEngine({ ...service, txt: undefined }), undefined);
    assert.equal(foundEngine({ ...service, port: 0 }), undefined);
    assert.equal(foundEngine({ ...service, txt: { ...service.txt, version: '<b>' } }), undefined);
    const odd = foundEngine({
      ...service,
      host: '<img src=x>',
      txt: { ...service.txt, tls: '1', sha256: 'AB', model: 'a\nb' },
    });
    assert.deepEqual(odd, {
      version: '0.1.0',
      protocol: 1,
      tls: true,
      host: '192.168.1.6',
      url: 'https://192.168.1.6:8372',
    });
  });
});

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
