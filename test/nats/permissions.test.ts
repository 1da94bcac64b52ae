import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { natsOptions } from '../../src/cli/command/nats-options';
import { NatsEngine } from '../../src/nats/client/nats-engine';
import type { NatsAddress } from '../../src/nats/nats-address';
import { openNats } from '../../src/nats/nats-connection';
import { loadNats } from '../../src/nats/nats-packages';
import { freePort } from '../../src/system/free-port';
import { outcome } from '../client/outcome';
import { demoFrame, repositoryRoot } from '../fixtures';
import { NatsFake } from './nats-fake';
import { hasNatsServer, TestNats } from './test-server';

const hasMosquitto = spawnSync('mosquitto_pub', ['--help']).error === undefined;
const passwords = { hub: '1', client: '2', camera: '3', reader: '4' };
type User = keyof typeof passwords;

/** The configuration on the page, with this test's ports and files. */
function pageConfig(certificate: string, key: string, mqttPort: number): string {
  const page = readFileSync(join(repositoryRoot, 'docs', 'many-hubs.md'), 'utf8');
  const [, block = ''] = /## Security\n[^`]*```\n([\s\S]*?)```/.exec(page) ?? [];
  return block
    .replace(/^(listen|jetstream).*\n/gm, '')
    .replaceAll('/etc/nats/cert.pem', certificate)
    .replaceAll('/etc/nats/key.pem', key)
    .replace('0.0.0.0:8883', `127.0.0.1:${mqttPort}`);
}

describe('the users of docs/many-hubs.md, Security', function () {
  this.timeout(60_000);
  let folder: string;
  const temp = (name: string): string => join(folder, name);
  let server: TestNats;
  let mqttPort: number;
  let hubs: NatsFake;
  const clients: NatsEngine[] = [];

  function args(user: User): string[] {
    const url = server.url.replace('nats://', `tls://${user}@`);
    return ['--nats', url, '--nats-password-file', temp(user), '--nats-tls-ca', temp('cert.pem')];
  }

  function address(user: User): NatsAddress {
    const [, nats, , password, , ca] = args(user);
    return natsOptions({ nats, 'nats-password-file': password, 'nats-tls-ca': ca });
  }

  function client(user: User): NatsEngine {
    const engine = new NatsEngine(address(user));
    clients.push(engine);
    return engine;
  }

  before(async function () {
    if (!hasNatsServer) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
    for (const user of Object.keys(passwords) as User[]) {
      writeFileSync(temp(user), `CHANGE-${passwords[user]}`);
    }
    const kind = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=nats'.split(' ');
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-keyout', temp('key.pem')];
    execFileSync('openssl', ['req', ...kind, ...names, '-out', temp('cert.pem')], { stdio: 'ignore' });
    mqttPort = await freePort();
    server = await TestNats.start({ config: pageConfig(temp('cert.pem'), temp('key.pem'), mqttPort) });
    hubs = NatsFake.at(address('hub'));
    await hubs.hub();
  });
  after(async () => {
    await Promise.all(clients.map((each) => each.close()));
    await hubs?.close();
    await server?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** What the server says to one operation; undefined when it permits it. */
  async function refusal(user: User, operation: 'publish' | 'subscribe', subject: string): Promise<unknown> {
    const { transport } = await loadNats();
    const connection = await transport.connect({
      servers: server.url.replace('nats:', 'tls:'),
      ...{ user, pass: `CHANGE-${passwords[user]}` },
      tls: { ca: readFileSync(temp('cert.pem'), 'utf8') },
    });
    let refused: unknown;
    void (async () => {
      for await (const status of connection.status()) {
        if (status.type === 'error') refused = status.error.message.replace(/"/g, '');
      }
    })();
    if (operation === 'publish') connection.publish(subject, 'x');
    else connection.subscribe(subject, { callback: () => {} });
    await connection.flush();
    await new Promise(setImmediate);
    await connection.close();
    return refused;
  }

  it('let a client ask, with a large picture and again, and see what the hubs do', async () => {
    const node = client('client');
    const picture = Buffer.from('a picture');
    assert.equal(
      outcome(await node.describe({ id: 'mine', prompt: 'x', camera: 'porch' }, [picture])),
      'result x',
    );
    const again = client('client').describe({ id: 'mine', prompt: 'y', camera: 'porch' }, [picture]);
    assert.equal(outcome(await again), 'result x');
    assert.equal(outcome(await node.describe({ prompt: 'z' }, [Buffer.alloc(3_000_000)])), 'result z');
    assert.equal((await node.status()).state, 'ready');
    assert.deepEqual((await node.queue()).cameras, {});
    assert.ok(await node.doctor());
  });

  it('let smolvlm watch publish pictures and captions, which a reader receives with what the hubs do', async () => {
    mkdirSync(temp('uploads'));
    const cameras = [{ name: 'ftp', source: 'folder', folder: temp('uploads'), interval: 0.2 }];
    writeFileSync(temp('cameras.json'), JSON.stringify({ cameras }));
    const link = await openNats(address('reader'), 'a reader');
    const heard = new Promise<string>((resolve) => {
      link.connection.subscribe('smolvlm.*.caption', {
        callback: (_error, message) => resolve(`${message.subject} ${message.string()}`),
      });
    });
    await link.connection.flush();
    const main = join(repositoryRoot, 'dist', 'cli', 'main.js');
    const watch = spawn(
      process.execPath,
      [main, 'watch', '--config', temp('cameras.json'), '--publish', ...args('client')],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    try {
      let said = '';
      while (!/ftp: connected/.test(said)) said += String(await once(watch.stderr, 'data'));
      copyFileSync(demoFrame('frame_09_street_day.jpg'), join(temp('uploads'), 'new.jpg'));
      assert.match(await heard, /^smolvlm\.ftp\.caption 1 of \d+ bytes: /);
      const { stdout } = await promisify(execFile)(process.execPath, [
        main,
        'hubs',
        '--json',
        ...args('reader'),
      ]);
      assert.equal(JSON.parse(stdout).hubs.length, 1);
    } finally {
      watch.kill('SIGKILL');
      await link.connection.close();
    }
  });

  it('let a camera publish by MQTT, and a reader receive the caption', async function () {
    if (!hasMosquitto) this.skip();
    const mqtt = (user: User): string[] => [
      ...['-h', '127.0.0.1', '-p', String(mqttPort), '--cafile', temp('cert.pem')],
      ...['-u', user, '-P', `CHANGE-${passwords[user]}`],
    ];
    const reader = spawn('stdbuf', [
      '-oL',
      'mosquitto_sub',
      ...mqtt('reader'),
      '-d',
      '-t',
      'smolvlm/+/caption',
      '-C',
      '1',
    ]);
    let said = '';
    reader.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const saying = async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(said)) await once(reader.stdout, 'data');
    };
    await saying(/Subscribed/);
    const topic = ['-t', 'smolvlm/gate/describe', '-q', '1', '-f', demoFrame('frame_09_street_day.jpg')];
    execFileSync('mosquitto_pub', [...mqtt('camera'), ...topic]);
    await saying(/1 of \d+ bytes/);
    const denied = spawnSync('mosquitto_sub', [...mqtt('camera'), '-t', 'smolvlm/+/caption', '-W', '5'], {
      encoding: 'utf8',
    });
    assert.match(denied.stderr, /subscription requests were denied/);
  });

  it('end what they may not do in an error that names the subject', async () => {
    await assert.rejects(client('camera').open(), {
      code: 'nats-permission',
      message: 'the NATS server does not permit this login to publish to $JS.API.INFO',
    });
    const final = await client('reader').describe({ id: 'mine too', prompt: 'x' }, [Buffer.from('x')]);
    assert.equal(outcome(final), 'error nats-permission');
    assert.match(final.type === 'error' ? final.error.message : '', /to \S*smolvlm\S*$/);
    await assert.rejects(NatsFake.at(address('client')).hub(), { code: 'nats-permission' });
  });

  for (const [user, operation, subject] of [
    ['camera', 'subscribe', 'smolvlm.*.caption'],
    ['camera', 'subscribe', 'smolvlm.answers.*'],
    ['camera', 'subscribe', 'smolvlm.frames.>'],
    ['camera', 'subscribe', '_INBOX.hub.>'],
    ['camera', 'publish', 'smolvlm.answers.mine'],
    ['camera', 'publish', '$JS.API.STREAM.MSG.GET.smolvlm-answers'],
    ['reader', 'publish', 'smolvlm.frames._.porch.-.0'],
    ['reader', 'publish', 'smolvlm.cancel.mine'],
    ['reader', 'subscribe', 'smolvlm.frames.>'],
    ['reader', 'subscribe', '_INBOX.>'],
    ['client', 'subscribe', '_INBOX.hub.>'],
    ['client', 'publish', 'smolvlm.answers.mine'],
    ['client', 'publish', '$JS.API.STREAM.DELETE.smolvlm'],
    ['client', 'publish', '$JS.API.CONSUMER.MSG.NEXT.smolvlm.any-model'],
    ['hub', 'publish', 'smolvlm.frames._.porch.-.0'],
  ] as const) {
    it(`do not let ${user} ${operation} to ${subject}`, async () => {
      const expected = operation === 'publish' ? 'Publish' : 'Subscription';
      assert.equal(
        await refusal(user, operation, subject),
        `Permissions Violation for ${expected} to ${subject}`,
      );
    });
  }
});
