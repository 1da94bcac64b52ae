import assert from 'node:assert/strict';
import { serviceSettings } from '../../../src/node-red/mqtt/mqtt-dialog';

describe('the dialog of smolvlm-mqtt', () => {
  it('has a default for every field', () => {
    assert.deepEqual(serviceSettings({}, {}, {}), {
      base: 'smolvlm',
      qos: 1,
      cameras: [],
      prompt: 'Describe this image.',
      defaults: { detail: 'low' },
      discoveryPrefix: 'homeassistant',
      allowAddresses: true,
      publishPicture: true,
    });
  });

  it('reads every field, numbers as text too, over the defaults of the engine', () => {
    const settings = serviceSettings(
      {
        base: ' home/vlm/ ',
        qos: '0',
        cameras: [
          { name: ' porch ', title: ' Front porch ', snapshot: ' http://cam/a ' },
          { name: 'hall', title: '' },
        ],
        prompt: 'Who?',
        detail: 'full',
        maxTokens: '40',
        deadline: '2.5',
        discovery: false,
        frigate: true,
        frigatePrefix: 'nvr',
        frigateUrl: 'http://nvr:5000',
        frigateLabels: 'person, ,car',
        allowAddresses: false,
        publishPicture: false,
      },
      {},
      { model: 'demo', maxAgeMs: 1000 },
    );
    assert.deepEqual(settings, {
      base: 'home/vlm',
      qos: 0,
      cameras: [{ name: 'porch', title: 'Front porch', snapshot: new URL('http://cam/a') }, { name: 'hall' }],
      prompt: 'Who?',
      defaults: { model: 'demo', maxAgeMs: 1000, detail: 'full', maxNewTokens: 40, deadlineMs: 2500 },
      frigate: { prefix: 'nvr', labels: ['person', 'car'], url: new URL('http://nvr:5000') },
      allowAddresses: false,
      publishPicture: false,
    });
  });

  it('gives user and password to snapshot addresses that have none', () => {
    const cameras = [
      { name: 'a', snapshot: 'http://cam/a' },
      { name: 'b', snapshot: 'http://own:secret@cam/b' },
    ];
    const { cameras: read } = serviceSettings({ cameras }, { user: 'me@home', password: 'p:w' }, {});
    assert.deepEqual(
      read.map(({ snapshot }) => snapshot?.href),
      ['http://me%40home:p%3Aw@cam/a', 'http://own:secret@cam/b'],
    );
  });

  it('gives a camera its own login, in the placeholders of its address or before its host', () => {
    const cameras = [
      { name: 'a', snapshot: 'http://cam/a?user={user}&password={password}', login: 2 },
      { name: 'b', snapshot: 'http://cam/b', login: 64 },
      { name: 'c', snapshot: 'http://cam/c?u={user}', login: 3 },
    ];
    const credentials = {
      user: 'all',
      password: 'x',
      user2: 'me',
      password2: 'p&w',
      user64: 'you',
      password64: '%',
    };
    assert.deepEqual(
      serviceSettings({ cameras }, credentials, {}).cameras.map(({ snapshot }) => snapshot?.href),
      ['http://cam/a?user=me&password=p%26w', 'http://you:%25@cam/b', 'http://cam/c?u=all'],
    );
    assert.throws(() => serviceSettings({ cameras }, { user: 'all' }, {}), {
      code: 'mqtt-address',
      message: /"a": the address has \{password\}, but no password/,
    });
  });

  it('shows no credential in an error about the address they are in', () => {
    const cameras = [{ name: 'a', snapshot: 'ftp://{user}:{password}@cam/a', login: 1 }];
    assert.throws(
      () => serviceSettings({ cameras }, { user1: 'secret1', password1: 'secret2' }, {}),
      ({ code, message }) => code === 'mqtt-address' && !/secret/.test(message),
    );
  });

  it('names what is wrong', () => {
    for (const [dialog, code, words] of [
      [{ base: 'a/#' }, 'mqtt-topic', /base topic: .*"a\/#"/],
      [{ discoveryPrefix: '+' }, 'mqtt-topic', /discovery prefix/],
      [{ frigate: true, frigatePrefix: '#' }, 'mqtt-topic', /Frigate topic prefix/],
      [{ frigate: true, frigateUrl: 'nvr:5000' }, 'mqtt-address', /Frigate: .*"nvr:5000"/],
      [{ cameras: [{ title: 'Porch' }] }, 'mqtt-camera-name', /received ""/],
      [{ cameras: [{ name: 'a', snapshot: 'cam/a' }] }, 'mqtt-address', /camera "a".*"cam\/a"/],
      [{ cameras: [{ name: 'a' }, { name: ' a' }] }, 'mqtt-cameras', /"a" is listed twice/],
    ] as const) {
      assert.throws(() => serviceSettings(dialog, {}, {}), { code, message: words });
    }
  });
});
