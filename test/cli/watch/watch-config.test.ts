import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { readConfigFile } from '../../../src/cli/watch/config-file';
import { watchConfig } from '../../../src/cli/watch/watch-config';
import type { WatchedCamera } from '../../../src/cli/watch/watched-camera';
import { useTempFolder } from '../../temp-folder';

const everything = `
defaults:
  interval: 5
  user: viewer
  password: { file: FILE }
  unchangedBits: 10
  refresh: 2
cameras:
  - name: porch
    source: snapshot
    url: https://porch.local/snap.jpg?user={user}&pw={password}
    fingerprint: "${'ab:'.repeat(31)}ab"
    retries: 0
    timeout: 2.5
    masks: [[[0, 0], [1, 0], [1, 0.2]]]
    zones: [{ name: door, x: 0.5, y: 0, width: 0.5, height: 1 }]
    normalise: night
    maxSide: 1280
    quality: 80
    staleRepeats: 5
    maxAge: 30
    cooldown: 60
    burst: 3
    prompt: Is the door open?
    choices: [open, closed]
    model: big
    maxTokens: 20
    deadline: 90
    priority: 10
    capacity: 3
  - { name: yard, source: mjpeg, url: "http://yard.local/stream", anyCertificate: true, interval: 1 }
  - { name: gate, source: rtsp, url: "rtsp://gate.local:554/main" }
  - { name: uploads, source: folder, folder: /srv/ftp, detail: full }
`;

describe('configuration of smolvlm watch', () => {
  const temp = useTempFolder();

  async function read(text: string, name = 'cameras.yaml'): Promise<readonly WatchedCamera[]> {
    writeFileSync(temp('secret'), 'geheim\n');
    writeFileSync(temp(name), text.replaceAll('FILE', temp('secret')));
    return watchConfig(await readConfigFile(temp(name)));
  }

  /** @returns the error's sentence, without the folder */
  async function fault(text: string, name?: string): Promise<string> {
    const error = await read(text, name).then(
      () => assert.fail('the configuration was accepted'),
      (thrown: Error & { code?: string }) => thrown,
    );
    assert.equal(error.code, 'watch-config', error.message);
    assert.ok(!error.message.includes('geheim'), error.message);
    return error.message.replace(`${temp()}/`, '');
  }

  it('reads sources, filters and requests, with defaults for all cameras', async () => {
    const [porch, yard, gate, uploads] = await read(everything);
    assert.deepEqual(porch, {
      name: 'porch',
      source: {
        kind: 'snapshot',
        url: new URL('https://porch.local/snap.jpg?user=viewer&pw=geheim'),
        timeoutMs: 2_500,
        intervalMs: 5_000,
        retries: 0,
        credentials: { user: 'viewer', password: 'geheim' },
        trust: { fingerprint: 'AB'.repeat(32) },
      },
      gate: {
        ...{ unchangedBits: 10, refreshMs: 120_000, staleRepeats: 5 },
        ...{ maxAgeMs: 30_000, cooldownMs: 60_000, burst: 3 },
      },
      options: {
        masks: [
          [
            [0, 0],
            [1, 0],
            [1, 0.2],
          ],
        ],
        normalise: 'night',
        maxSide: 1280,
        quality: 80,
      },
      zones: [{ name: 'door', x: 0.5, y: 0, width: 0.5, height: 1 }],
      request: {
        ...{ camera: 'porch', prompt: 'Is the door open?', detail: 'low', model: 'big' },
        ...{ choices: ['open', 'closed'], maxNewTokens: 20, deadlineMs: 90_000, priority: 10 },
      },
      capacity: 3,
    });
    const { source } = yard as WatchedCamera;
    assert.ok(source.kind === 'mjpeg' && source.intervalMs === 1_000 && source.trust?.any === true);
    assert.ok(gate?.source.kind === 'rtsp' && gate.source.timeoutMs === 10_000);
    assert.deepEqual(uploads?.source, { kind: 'folder', folder: '/srv/ftp', intervalMs: 5_000 });
    assert.equal(uploads?.request.detail, 'full');
  });

  it('reads JSON too', async () => {
    const cameras = [{ name: 'uploads', source: 'folder', folder: '/srv/ftp' }];
    const [only] = await read(JSON.stringify({ cameras }), 'cameras.json');
    assert.equal(only?.name, 'uploads');
    assert.equal(await fault('{\n"cameras": geheim }', 'cameras.json'), 'cameras.json: is not JSON');
  });

  it('names the line and the field of what is wrong', async () => {
    const porch = 'cameras:\n  - name: porch\n    source: snapshot\n';
    for (const [text, expected] of [
      ['cameras: []', 'cameras.yaml:1: cameras: expected a list of cameras'],
      ['geheim', 'cameras.yaml: expected fields, for example "cameras:"'],
      ['cameras:\n  - {name: "geheim', 'cameras.yaml:2: is not YAML (MISSING_CHAR)'],
      ['camera: []', 'cameras.yaml:1: camera: the field is unknown'],
      [`${porch}    ulr: http://x/`, 'cameras.yaml:4: cameras[0].ulr: the field is unknown'],
      [
        `${porch}    url: rtsp://me:geheim@x/`,
        'cameras.yaml:4: cameras[0].url: expected an address that begins with http:// or https://, received "rtsp://…@x/"',
      ],
      [
        `${porch}    url: http://x/\n    retries: 1.5`,
        'cameras.yaml:5: cameras[0].retries: expected a whole number from 0 to 10, received 1.5',
      ],
      [
        `${porch}    url: http://x/\n    user: { env: NO_SUCH_VARIABLE }`,
        'cameras.yaml:5: cameras[0].user: the environment variable NO_SUCH_VARIABLE is not set',
      ],
      [
        `${porch}    url: http://x/\n    password: { geheim: geheim2 }`,
        'cameras.yaml:5: cameras[0].password: expected a string, {env: NAME} or {file: PATH}',
      ],
      [
        `${porch}    url: http://{user}@x/`,
        'cameras.yaml:4: cameras[0].url: {user} stands for a field that is missing',
      ],
      [`defaults: { url: x }\n${porch}`, 'cameras.yaml:1: defaults.url: the field is unknown'],
      [
        `${porch}    url: http://x/\n  - { name: porch, source: folder, folder: /x }`,
        'cameras.yaml:5: cameras[1].name: "porch" is listed twice',
      ],
    ] as const) {
      assert.equal(await fault(text), expected);
    }
  });

  it('refuses an interval that is shorter than its source can keep', async () => {
    for (const [source, least] of [
      ['{ name: a, source: folder, folder: /x, interval: 0.1 }', 0.2],
      ['{ name: a, source: snapshot, url: "http://a/", interval: 0 }', 0.04],
    ] as const) {
      const message = await fault(`cameras:\n  - ${source}`);
      assert.match(message, new RegExp(`interval: expected a number from ${least} to 86400`));
    }
  });
});
